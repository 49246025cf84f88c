// Where a page ends and the next one begins.
import { expect, test } from 'vitest'
import { newId } from './id.ts'
import { pageLimit, pageOf, readCursor, readId } from './page.ts'

test('a page has 50 rows unless asked otherwise, and never none or more than 100', () => {
  expect([undefined, 7, 0, -1, 1000].map(pageLimit)).toEqual([50, 7, 1, 1, 100])
})

test('the next page begins after the last row shown, and there is none when no row is left', () => {
  const rows = [{ id: 'c' }, { id: 'b' }, { id: 'a' }]
  expect(pageOf(rows, 2)).toEqual({ items: [{ id: 'c' }, { id: 'b' }], next: 'b' })
  expect(pageOf(rows, 3)).toEqual({ items: rows, next: null })
  expect(pageOf([], 3)).toEqual({ items: [], next: null })
})

test('a cursor is the id of an earlier page, and none is the first page', () => {
  const id = newId()
  expect(readCursor(undefined)).toBeNull()
  expect(readCursor(id)).toBe(id)
})

test.each(['', 'x', '%00', "' or 1=1", '2026-01-01'])('%j is no cursor and no id', (text) => {
  expect(() => readCursor(text)).toThrow(
    expect.objectContaining({
      code: 'input_invalid',
      detail: 'cursor: unknown; pass the `next` of a previous page',
    }),
  )
  expect(() => readId('eventId', text)).toThrow(
    expect.objectContaining({
      code: 'input_invalid',
      detail: 'eventId: not an id; give it, or at least 6 characters of its beginning or end, as lists show it',
    }),
  )
})

test('a cursor may have a spelling of its own', () => {
  const read = (text: string) => (text.startsWith('dep_') ? text.slice(4) : null)
  expect(readCursor('dep_1', read)).toBe('1')
  expect(() => readCursor('1', read)).toThrow('cursor: unknown')
})

test('a filter by id is the id, or null when it is not asked for', () => {
  const id = newId()
  expect(readId('eventId', undefined)).toBeNull()
  expect(readId('eventId', id)).toBe(id)
})
