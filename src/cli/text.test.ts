import fc from 'fast-check'
import { expect, test } from 'vitest'
import { age, count, indent, inline, plain } from './text.ts'

test('nothing untrusted can control the terminal', () => {
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

test('an age is in its largest unit', () => {
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

test('numbers agree with their nouns, and indenting leaves empty lines alone', () => {
  expect([count(1, 'rule'), count(0, 'rule')]).toEqual(['1 rule', '0 rules'])
  expect(indent('a\n\nb')).toBe('  a\n\n  b')
})
