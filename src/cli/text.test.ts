import fc from 'fast-check'
import { expect, test } from 'vitest'
import { age, count, cut, fields, indent, inline, plain, table } from './text.ts'

type Row = { id: string; reason: string }

const columns = [
  { title: 'ID', value: (row: Row) => row.id },
  { title: 'REASON', value: (row: Row) => row.reason, shrinks: true },
]

test('a table is aligned under its titles', () => {
  const rows = [
    { id: '1', reason: 'none' },
    { id: '1234', reason: '' },
  ]
  expect(table(columns, rows)).toBe('ID    REASON\n1     none\n1234')
})

test('a narrow terminal cuts only what may be cut', () => {
  const rows = [{ id: 'a-long-identifier', reason: 'a reason that is much longer than there is room for' }]
  const [, line = ''] = table(columns, rows, 40).split('\n')
  expect(line).toHaveLength(40)
  expect(line).toMatch(/^a-long-identifier {2}a reason .*…$/)
})

test('a pipe gets whole lines', () => {
  const reason = 'x'.repeat(500)
  expect(table(columns, [{ id: '1', reason }])).toContain(reason)
})

test('nothing a stranger wrote can steer the terminal', () => {
  expect(plain('\u001b]0;title\u0007\u009b2J\u202eab\tc\nd')).toBe('\ufffd]0;title\ufffd\ufffd2J\ufffdab\tc\nd')
  const codes = fc.array(fc.integer({ min: 0, max: 0x206f }))
  fc.assert(
    fc.property(codes, (points) => {
      const text = String.fromCodePoint(...points)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(inline(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
      expect(inline({ text })).not.toMatch(/\n/)
    }),
  )
})

test('cutting keeps whole characters', () => {
  expect([cut('four', 4), cut('fives', 4), cut('🙂🙂🙂', 2)]).toEqual(['four', 'fiv…', '🙂…'])
})

test('an age is told in its largest unit', () => {
  const now = Date.parse('2026-01-02T00:00:00Z')
  const ages = [
    '2026-01-02T00:00:00Z',
    '2026-01-01T23:59:01Z',
    '2026-01-01T22:59:59Z',
    '2025-12-25T00:00:00Z',
    null,
    'x',
  ]
  expect(ages.map((time) => age(time, now))).toEqual(['0s', '59s', '1h', '8d', '', ''])
})

test('empty fields are left out, and numbers agree with their nouns', () => {
  expect(
    fields([
      ['a', '1'],
      ['bc', ''],
      ['def', '2'],
    ]),
  ).toBe('a    1\ndef  2')
  expect([count(1, 'rule'), count(0, 'rule')]).toEqual(['1 rule', '0 rules'])
  expect(indent('a\n\nb')).toBe('  a\n\n  b')
})
