// Where a page ends and the next one begins.
import { expect, test } from 'vitest'
import { pageLimit, pageOf } from './page.ts'

test('a page has 50 rows unless asked otherwise, and never none or more than 100', () => {
  expect([undefined, 7, 0, -1, 1000].map(pageLimit)).toEqual([50, 7, 1, 1, 100])
})

test('the next page begins behind the last row shown, and there is none when no row is left', () => {
  const rows = [{ id: 'c' }, { id: 'b' }, { id: 'a' }]
  expect(pageOf(rows, 2)).toEqual({ items: [{ id: 'c' }, { id: 'b' }], next: 'b' })
  expect(pageOf(rows, 3)).toEqual({ items: rows, next: null })
  expect(pageOf([], 3)).toEqual({ items: [], next: null })
})
