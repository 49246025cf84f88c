import cliTruncate from 'cli-truncate'
import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { columnsOf, cut } from './width.ts'

test('cutting keeps whole characters and marks what is missing', () => {
  expect([cut('four', 4), cut('fives', 4), cut('🙂🙂🙂', 3), cut('日本語', 4), cut('x', 0)]).toEqual([
    'four',
    'fiv…',
    '🙂…',
    '日…',
    '',
  ])
})

test('what is counted without knowing of emoji is as wide, and is cut the same, as what is counted with it', () => {
  const latin = fc.string({ unit: fc.integer({ min: 0, max: 0x24f }).map((code) => String.fromCharCode(code)) })
  fc.assert(
    fc.property(fc.oneof(latin, fc.string({ unit: 'grapheme' })), fc.nat(20), (text, width) => {
      expect(columnsOf(text)).toBe(stringWidth(text))
      expect(cut(text, width)).toBe(cliTruncate(text, width))
    }),
  )
})
