import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count, facts, labelNames, part, refFacts, sha, text } from './fact.ts'

const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'

describe('a text', () => {
  test('is a string that is not empty, and nothing else', () => {
    expect(text('mona')).toBe('mona')
    for (const value of ['', 7, null, undefined, [], {}, true]) expect(text(value)).toBeUndefined()
  })

  test('of any characters fits a column, an index and a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 1000 }), (value) => {
        const read = text(value) ?? ''
        expect(read.length).toBeLessThanOrEqual(512)
        expect(read.isWellFormed()).toBe(true)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        expect(read).not.toMatch(/[\u0000-\u001f\u007f]/)
      }),
    )
  })

  test('that is cut inside a surrogate pair stays well formed', () => {
    expect(text(`${'x'.repeat(511)}\u{1f680}`)).toBe(`${'x'.repeat(511)}\ufffd`)
  })
})

test('a part of anything but an object is an empty object', () => {
  expect(part({ a: 1 })).toEqual({ a: 1 })
  for (const value of [null, undefined, 'text', 7, [1]]) expect(part(value)).toEqual({})
  expect(part(part(part(undefined).a).b).c).toBeUndefined()
})

test('a count is a positive whole number', () => {
  expect(count(12)).toBe(12)
  for (const value of [0, -1, 1.5, 1e300, Number.NaN, '12', null]) expect(count(value)).toBeUndefined()
})

test("a commit's hash is 40 to 64 hex digits, and not the zeros git uses for none", () => {
  expect(sha(COMMIT)).toBe(COMMIT)
  expect(sha(COMMIT + COMMIT.slice(0, 24))).toHaveLength(64)
  for (const value of ['0'.repeat(40), COMMIT.slice(1), COMMIT.toUpperCase(), `${COMMIT}x`, 7, null]) {
    expect(sha(value)).toBeUndefined()
  }
})

test.each([
  ['refs/heads/feature/x', { branch: 'feature/x' }],
  ['refs/tags/v1.0', { tag: 'v1.0' }],
  ['refs/pull/7/merge', {}],
  ['main', {}],
  [7, {}],
  [null, {}],
])('the ref %j says %j', (ref, expected) => {
  expect(refFacts(ref)).toEqual(expected)
})

test('labels are the names in a list, at most a hundred, and none rather than an empty list', () => {
  expect(labelNames([{ name: 'bug' }, { name: 7 }, null, { name: 'task' }])).toEqual(['bug', 'task'])
  expect(labelNames(Array.from({ length: 300 }, (_, i) => ({ name: `l${i}` })))).toHaveLength(100)
  for (const value of [[], [{ name: '' }], {}, 'bug', null]) expect(labelNames(value)).toBeUndefined()
})

test('facts that are absent are left out, so that a condition on one does not hold', () => {
  expect(facts({ branch: 'main', tag: undefined, number: undefined })).toEqual({ branch: 'main' })
  expect(Object.keys(facts({ branch: undefined }))).toEqual([])
})
