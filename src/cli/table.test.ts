import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { fields, table } from './table.ts'

type Row = { id: string; reason: unknown }

const columns = [
  { title: 'ID', value: (row: Row) => row.id },
  { title: 'REASON', value: (row: Row) => row.reason, shrinks: true },
]

test('a table is aligned under its titles', () => {
  const rows = [
    { id: '1', reason: 'none' },
    { id: '1234', reason: null },
  ]
  expect(table(columns, rows)).toBe('ID    REASON\n1     none\n1234')
})

test('a narrow terminal cuts only what may be cut', () => {
  const rows = [{ id: 'a-long-identifier', reason: 'a reason that is much longer than the line can be' }]
  const [, line = ''] = table(columns, rows, 40).split('\n')
  expect(line).toHaveLength(40)
  expect(line).toMatch(/^a-long-identifier {2}a reason .*…$/)
})

test('a column that may shrink stays readable, even where the line gets too long', () => {
  const rows = [{ id: 'x'.repeat(30), reason: 'y'.repeat(30) }]
  expect(table(columns, rows, 20).split('\n')[1]).toBe(`${'x'.repeat(30)}  ${'y'.repeat(7)}…`)
})

test('where a line is too wide, short forms are shown before anything is cut', () => {
  const short = [{ ...columns[0], title: 'ID', value: (row: Row) => row.id, short: (id: string) => id.slice(-4) }]
  const rows = [{ id: 'long-0001', reason: 'a reason' }]
  const withReason = [...short, ...columns.slice(1)]
  expect(table(withReason, rows, 20)).toBe('ID         REASON\nlong-0001  a reason')
  expect(table(withReason, rows, 15)).toBe('ID    REASON\n0001  a reason')
  expect(table(withReason, rows)).toContain('long-0001')
})

test('a column keeps as much as it needs to be understood', () => {
  const url = { title: 'URL', value: () => 'https://hooks.example.com/signalbox/a/long/path', shrinks: 20 }
  const [, line] = table([url, ...columns.slice(1)], [{ id: '', reason: 'y'.repeat(30) }], 20).split('\n')
  expect(line).toBe(`https://hooks.examp…  ${'y'.repeat(7)}…`)
})

test('a pipe gets whole lines', () => {
  const reason = 'x'.repeat(500)
  expect(table(columns, [{ id: '1', reason }])).toContain(reason)
})

test('wide characters take two columns, combining ones none', () => {
  const rows = ['日本', '🚀', '👩‍💻', 'e\u0301', 'ab'].map((id) => ({ id, reason: '|' }))
  const lines = table(columns, rows).split('\n').slice(1)
  expect(lines).toEqual(['日本  |', '🚀    |', '👩‍💻    |', 'e\u0301     |', 'ab    |'])
})

test('every line of a table is as wide as it may be, whatever is in it', () => {
  const cell = fc.string({ unit: 'grapheme', maxLength: 40 })
  fc.assert(
    fc.property(fc.array(fc.record({ id: fc.stringMatching(/^\w{1,5}$/), reason: cell })), (rows) => {
      const lines = table(columns, rows, 30).split('\n')
      expect(lines).toHaveLength(rows.length + 1)
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(30)
    }),
  )
})

test('a value cannot break its line or colour what follows', () => {
  const text = table(columns, [
    { id: 'a', reason: 'one\ntwo\u001b[31m\tthree' },
    { id: 'b', reason: { nested: [1] } },
  ])
  expect(text.split('\n')).toEqual(['ID  REASON', 'a   one two\ufffd[31m three', 'b   {"nested":[1]}'])
})

test('empty fields are left out', () => {
  expect(
    fields([
      ['a', 1],
      ['bc', ''],
      ['no', null],
      ['def', 'two\nlines'],
    ]),
  ).toBe('a    1\ndef  two lines')
  expect(fields([])).toBe('')
})
