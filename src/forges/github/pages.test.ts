import { expect, test } from 'vitest'
import { firstPages } from './pages.ts'

test('pages are mapped, and reading ends with the last that is wanted', () => {
  const ends: number[] = []
  const items = firstPages(2, (data: { values: number[] }) => data.values)
  const read = (page: number) => items({ data: { values: [page, -page] } }, () => void ends.push(page))
  expect(read(1)).toEqual([1, -1])
  expect(ends).toEqual([])
  expect(read(2)).toEqual([2, -2])
  expect(ends).toEqual([2])
})
