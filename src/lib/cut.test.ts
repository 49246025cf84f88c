import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cut } from './cut.ts'

test('a text that fits is left alone', () => {
  expect(cut('', 1)).toBe('')
  expect(cut('abc', 3)).toBe('abc')
})

test('a longer one ends with an ellipsis within the limit', () => {
  expect(cut('abcd', 3)).toBe('ab…')
  expect(cut('abcd', 1)).toBe('…')
})

test('a surrogate pair is kept or left out whole', () => {
  expect(cut('a😀b', 3)).toBe('a…')
  expect(cut('a😀bc', 4)).toBe('a😀…')
  expect(cut('😀😀', 1)).toBe('…')
})

test('any text is cut to its own beginning, and stays well-formed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), fc.integer({ min: 1, max: 20 }), (text, max) => {
      const short = cut(text, max)
      expect(short.length).toBeLessThanOrEqual(max)
      expect(short.isWellFormed()).toBe(true)
      expect(short === text || (short.endsWith('…') && text.startsWith(short.slice(0, -1)))).toBe(true)
      // At most the ellipsis and half of a pair are lost.
      if (text.length > max) expect(short.length).toBeGreaterThanOrEqual(max - 1)
    }),
  )
})
