import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CONTROLS } from './control-characters.ts'
import { firstLine, oneLine } from './one-line.ts'

const BREAKS = new RegExp(`${CONTROLS.source}|\\s(?<! )`)

const broken = fc
  .array(fc.constantFrom('a', 'b ', '\n', '\r', '\r\n', '\u0085', '\u2028', '\u001b[2J', '\t'))
  .map((parts) => parts.join(''))

test('whatever a text has, it is one line', () => {
  fc.assert(
    fc.property(broken, (text) => {
      expect(oneLine(text)).not.toMatch(BREAKS)
      expect(firstLine(text, 20)).not.toMatch(BREAKS)
    }),
  )
})

test('the first line is that which says something, and is cut', () => {
  expect(firstLine('\n\none two\nthree', 100)).toBe('one two')
  expect(firstLine('one two\rthree', 5)).toBe('one …')
  expect(oneLine('one\n[02:47:31] INFO: two\u001b[2J')).toBe('one [02:47:31] INFO: two\ufffd[2J')
})
