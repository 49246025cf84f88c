import { expect, test } from 'vitest'
import { firstPages, lastPage } from './pages.ts'

test.each([
  [undefined, 1],
  ['', 1],
  ['<https://x/comments?per_page=100&page=2>; rel="next", <https://x/comments?per_page=100&page=31>; rel="last"', 31],
  ['<https://x/comments?page=4&per_page=100>; rel="last", <https://x/comments?page=2&per_page=100>; rel="next"', 4],
  ['<https://x/comments?page=1&per_page=100>; rel="prev", <https://x/comments?page=1&per_page=100>; rel="first"', 1],
  ['<https://x/comments?per_page=100>; rel="last"', 1],
])('the last page of %j is %s', (link, last) => expect(lastPage(link)).toBe(last))

test('pages are mapped, and reading ends with the last that is wanted', () => {
  const ends: number[] = []
  const items = firstPages(2, (data: { values: number[] }) => data.values)
  const read = (page: number) => items({ data: { values: [page, -page] } }, () => void ends.push(page))
  expect(read(1)).toEqual([1, -1])
  expect(ends).toEqual([])
  expect(read(2)).toEqual([2, -2])
  expect(ends).toEqual([2])
})
