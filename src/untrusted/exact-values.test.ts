import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replaceValues } from './exact-values.ts'

test('the longest of the values that stand at a place is replaced', () => {
  const replace = replaceValues(['secret-1', 'secret-1-and-more', 'short'], '#')
  expect(replace('secret-1-and-more, secret-1, secret-1secret-1 and short')).toBe('#, #, ## and short')
})

test('of many values that begin alike none is left, though more than them goes', () => {
  const values = Array.from({ length: 100 }, (_, at) => `password-${at}`)
  const replace = replaceValues(values, '#')
  for (const value of values) expect(replace(`(${value}) stays`)).toBe('(# stays')
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
  const startedAt = performance.now()
  expect(replaceValues(values.slice(1), '#')('a'.repeat(1_000_000))).toMatch(/^#+a*$/)
  expect(replaceValues(values, '#')('a'.repeat(1_000_000))).toBe('#')
  expect(performance.now() - startedAt).toBeLessThan(5000)
})
