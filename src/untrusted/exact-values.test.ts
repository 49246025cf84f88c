import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cpuMs } from '../../test/cpu-time.ts'
import { replaceValues } from './exact-values.ts'

test('the longest of the values that stand at a place is replaced', () => {
  const replace = replaceValues(['secret-1', 'secret-1-and-more', 'short'], '#')
  expect(replace('secret-1-and-more, secret-1, secret-1secret-1 and short')).toBe('#, #, ## and short')
})

test('of many values that begin alike each is replaced as a whole, and nothing else', () => {
  const values = Array.from({ length: 100 }, (_, at) => `correct horse ${at} battery ${at}`)
  const replace = replaceValues(values, '#')
  for (const value of values) expect(replace(`(${value}) stays`)).toBe('(#) stays')
  expect(replace('correct horse stays')).toBe('correct horse stays')
})

test('of many long values that begin alike none is left, though the rest of the line goes', () => {
  const values = Array.from({ length: 9 }, (_, at) => `${'correct horse '.repeat(9)}${at} battery`)
  expect(values.map(replaceValues(values, '#'))).toEqual(values.map(() => '#'))
  expect(replaceValues(values.slice(1), '#')(`${values[5]} stays\n`)).toBe('# stays\n')
})

test('values that overlap are replaced together', () => {
  const replace = replaceValues(['abcdefgh1', 'gh1xyz7890', `gh1xyz7890${'-'.repeat(100)}end`], '#')
  expect(replace('(abcdefgh1xyz7890)')).toBe('(#)')
  expect(replace(`(abcdefgh1xyz7890${'-'.repeat(100)}end)`)).toBe('(#)')
  expect(replace('abcdefgh1abcdefgh1')).toBe('##')
})

test('no value that is long enough is left in any text', () => {
  const value = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' '), minLength: 7, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(value, { maxLength: 30 }), fc.array(value), (values, others) => {
      const shown = replaceValues(values, '#')([...others, ...values].join('a'))
      for (const secret of values) expect(shown).not.toContain(secret)
    }),
  )
})

test('values and a text made to be compared to the end at every place cost little', () => {
  const values = Array.from({ length: 9 }, (_, at) => `${'a'.repeat(20_000)}${at}`)
  const tookMs = cpuMs(() => {
    expect(replaceValues(values.slice(1), '#')('a'.repeat(1_000_000))).toMatch(/^#+a*$/)
    expect(replaceValues(values, '#')('a'.repeat(1_000_000))).toBe('#')
  })
  expect(tookMs).toBeLessThan(20_000)
})
