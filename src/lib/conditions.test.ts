import { describe, expect, it } from 'vitest'
import { conditionObjection, conditions } from './conditions.ts'
import type { Json } from './json.ts'
import { describe as describeProblems, PARSING } from './zod.ts'

const payload: Json = {
  ref: 'refs/heads/main',
  forced: false,
  compare: null,
  data: { revision: 2, 'a.b': 'dotted', config: { model: 'gpt-5' }, at: '2026-02-03T00:00:00Z' },
  commits: [{ author: { name: 'anna' } }, { author: { name: 'bob' } }],
  __proto__: null,
}

function read(given: unknown) {
  const { data, error } = conditions.safeParse(given, PARSING)
  if (error) throw new Error(describeProblems(error))
  return data
}

describe('a payload meets', () => {
  it.each([
    [{ ref: 'refs/heads/main' }],
    [{ ref: 'refs/heads/*' }],
    [{ ref: ['refs/tags/*', 'refs/*', '!refs/heads/dev'] }],
    [{ forced: false, compare: null, 'data.revision': 2 }],
    [{ 'data.revision': [1, 2] }],
    [{ 'data.revision': { gt: 1, gte: 2, lt: 3, lte: 2, eq: 2, in: [2, 3], not: 3, exists: true } }],
    [{ 'data.at': { gte: '2026-01-01', lt: '2027-01-01' } }],
    [{ 'data["a.b"]': 'dotted' }],
    [{ 'commits[1].author.name': ['a*', 'b*'] }],
    [{ 'commits[0].author.name': { not: ['b*', 'c'] } }],
    [{ 'commits[2].author.name': { exists: false } }],
    [{ 'data.missing': { not: 'x' } }],
    [{ 'data.config.model': { exists: true } }],
  ])('%j', (given) => {
    expect(conditionObjection(read(given), payload)).toBeNull()
  })
})

describe('a payload that does not is refused with the value it has:', () => {
  it.each([
    [{ 'data.revision': { gte: 3 } }, 'it wants data.revision >= 3, and this is 2'],
    [{ ref: 'refs/heads/main', 'data.revision': { lt: 2 } }, 'it wants data.revision < 2, and this is 2'],
    [{ ref: ['refs/tags/*', 'x'] }, 'it wants ref "refs/tags/*" or "x", and this is "refs/heads/main"'],
    [{ ref: { eq: 'refs/heads/*' } }, 'it wants ref "refs/heads/*", and this is "refs/heads/main"'],
    [{ ref: { not: 'refs/heads/*' } }, 'it wants ref not "refs/heads/*", and this is "refs/heads/main"'],
    [{ 'data.revision': '2' }, 'it wants data.revision "2", and this is 2'],
    [{ 'data.revision': { gt: '1' } }, 'it wants data.revision > "1", and this is 2'],
    [{ 'data.config.model': { exists: false } }, 'it wants no data.config.model, and this is "gpt-5"'],
    [{ 'data.config.size': { exists: true } }, 'it wants data.config.size, and there is none'],
    [{ 'data.config.size': { lt: 3 } }, 'it wants data.config.size < 3, and there is none'],
    [{ 'commits.length': 2 }, 'it wants commits.length 2, and there is none'],
    [{ 'data.constructor.name': '*' }, 'it wants data.constructor.name "*", and there is none'],
    [{ 'ref[0]': 'r' }, 'it wants ref[0] "r", and there is none'],
  ])('%j', (given, sentence) => {
    expect(conditionObjection(read(given), payload)).toBe(sentence)
  })

  it('a long value is cut, and an event that says nothing has none', () => {
    const wanted = read({ a: 'x' })
    expect(conditionObjection(wanted, { a: 'y'.repeat(1000) })?.length).toBeLessThan(120)
    expect(conditionObjection(wanted, undefined)).toBe('it wants a "x", and there is none')
  })
})

describe('conditions are refused', () => {
  it.each([
    ['with a path that is not one', { 'a..b': 1 }, 'must be a path such as'],
    ['with an empty path', { '': 1 }, 'must be a path such as'],
    ['with an open bracket', { 'a[x]': 1 }, 'must be a path such as'],
    ['with an unknown operator', { a: { gtt: 1 } }, 'unknown field "gtt"; did you mean "gt"?'],
    ['with no operator', { a: {} }, 'must name at least one operator'],
    ['with an exclusion of nothing', { a: ['!'] }, 'must name what it excludes'],
    ['with a negation inside a glob', { a: { not: ['feat*!(*wip*)'] } }, 'must not contain "!("'],
    ['with too many paths', Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`a${n}`, 1])), 'at most 20'],
  ])('%s', (_, given, problem) => {
    expect(() => read(given)).toThrow(problem)
  })
})
