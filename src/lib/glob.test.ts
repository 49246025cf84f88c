import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cpuMs } from '../../test/cpu-time.ts'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import type { GlobKind, Globs } from './glob.ts'
import { compileGlobs, LOGIN, likePattern, NAME, PATH, REF, REPOSITORY } from './glob.ts'

const KINDS = [NAME, LOGIN, REF, REPOSITORY, PATH]

function isMatch(globs: Globs, value: string, kind: GlobKind): boolean {
  return compileGlobs(globs, kind)(value)
}

describe('a branch or tag', () => {
  test.each([
    ['main', 'main', true],
    ['main', 'Main', false],
    ['main', 'maintenance', false],
    ['release/*', 'release/1.0', true],
    ['release/*', 'release/1/0', false],
    ['release/**', 'release/1/0', true],
    ['*', 'feature/x', false],
    ['**', 'feature/x', true],
    ['**', '.hidden/x', true],
    ['v[0-9]*', 'v12', true],
    ['v[0-9]*', 'vx', false],
    ['{main,dev}', 'dev', true],
    ['!(main|dev)', 'x', true],
    ['!(main|dev)', 'dev', false],
  ])('%s and %s: %s', (glob, value, expected) => {
    expect(isMatch(glob, value, REF)).toBe(expected)
  })
})

describe('a login or label', () => {
  test.each([
    ['*', 'kind/bug', true],
    ['kind/*', 'kind/bug/old', true],
    ['kind/**', 'kind', false],
    ['*bug', 'kind/bug', true],
    ['Agent-Task', 'agent-task', true],
    ['dependabot[bot]', 'dependabot[bot]', true],
    ['dependabot[bot]', 'dependabotb', false],
    ['*[bot]', 'renovate[bot]', true],
    ['*[bot]', 'robot', false],
    ['C++', 'c++', true],
    ['a|b', 'a', false],
    ['{bug,Fix}*', 'fixed', true],
    ['v?', 'V1', true],
    ['what? (really)', 'what? (really)', true],
  ])('%s and %s: %s', (glob, value, expected) => {
    expect(isMatch(glob, value, LOGIN)).toBe(expected)
  })
})

describe('an event type, environment or application', () => {
  test.each([
    ['*', 'push', true],
    ['*', '..', true],
    ['*', 'two\nlines', true],
    ['issues.*', 'issues.labeled', true],
    ['issues.*', 'issues', false],
    ['issues.*', 'issuesXlabeled', false],
    ['issues.{opened,closed}', 'issues.closed', true],
    ['Push', 'push', false],
    ['pull_request.*', 'pull_request_review.submitted', false],
    ['[ab]', 'a', false],
    ['[ab]', '[ab]', true],
  ])('%s and %j: %s', (glob, value, expected) => {
    expect(isMatch(glob, value, NAME)).toBe(expected)
  })
})

describe('a repository', () => {
  test.each([
    ['*/*', 'acme/shop', true],
    ['acme/*', 'Acme/Shop', true],
    ['acme/*', 'acme/group/shop', false],
    ['acme/**', 'acme/group/shop', true],
    ['other/*', 'acme/shop', false],
  ])('%s and %s: %s', (glob, value, expected) => {
    expect(isMatch(glob, value, REPOSITORY)).toBe(expected)
  })
})

describe('a path of a file', () => {
  test.each([
    ['.github/**', '.github/workflows/ci.yml', true],
    ['.github/**', '.GitHub/workflows/ci.yml', true],
    ['.github/**', '.github/line\nbreak', true],
    ['.github/**', 'docs/.github/x', false],
    ['**/CODEOWNERS', 'CODEOWNERS', true],
    ['**/CODEOWNERS', 'docs/codeowners', true],
    ['**/.gitattributes', 'a/b/.gitattributes', true],
    ['.gitmodules', 'a/.gitmodules', false],
  ])('%s and %j: %s', (glob, value, expected) => {
    expect(isMatch(glob, value, PATH)).toBe(expected)
  })
})

test('one of several globs is enough, and one that begins with ! excludes', () => {
  expect(isMatch(['main', 'release/*'], 'release/1', REF)).toBe(true)
  expect(isMatch(['release/*', '!release/0.*'], 'release/0.9', REF)).toBe(false)
  expect(isMatch(['release/*', '!release/0.*'], 'release/1.0', REF)).toBe(true)
  expect(isMatch(['*', '!push'], 'push', NAME)).toBe(false)
  expect(isMatch(['*', '!push'], 'issues.opened', NAME)).toBe(true)
})

test('exclusions alone mean any other value', () => {
  expect(isMatch('!main', 'main', REF)).toBe(false)
  expect(isMatch('!main', 'dev', REF)).toBe(true)
  expect(isMatch(['!main', '!dev'], 'dev', REF)).toBe(false)
})

test('an empty list matches nothing', () => {
  for (const kind of KINDS) expect(isMatch([], 'x', kind)).toBe(false)
})

test('an empty glob is refused', () => {
  for (const kind of KINDS) {
    for (const glob of ['', '!']) expect(() => compileGlobs(glob, kind)).toThrow('A glob must not be empty.')
  }
})

const kind = fc.constantFrom(...KINDS)
const value = fc.string({ minLength: 1, maxLength: 12 })
const glob = fc
  .array(fc.constantFrom('a', 'B', '*', '**', '/', '.', '[ab]', '{a,B}', '?', '!', '+', '\n'), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join(''))
  .filter((text) => text !== '!')

test('a value written exactly like a glob matches it', () => {
  fc.assert(
    fc.property(
      value.filter((text) => !text.startsWith('!')),
      kind,
      (text, aKind) => {
        expect(isMatch(text, text, aKind)).toBe(true)
      },
    ),
  )
})

test('the order of globs does not matter', () => {
  fc.assert(
    fc.property(fc.array(glob, { minLength: 1, maxLength: 4 }), value, kind, (globs, text, aKind) => {
      expect(isMatch(globs.toReversed(), text, aKind)).toBe(isMatch(globs, text, aKind))
    }),
  )
})

test('an exclusion wins over everything wanted', () => {
  // `!(` begins an ordinary glob.
  const excluded = value.filter((text) => !text.startsWith('('))
  fc.assert(
    fc.property(fc.array(glob, { maxLength: 3 }), excluded, kind, (globs, text, aKind) => {
      expect(isMatch([...globs, `!${text}`], text, aKind)).toBe(false)
    }),
  )
})

test('case is ignored where the kind says so, and only there', () => {
  fc.assert(
    fc.property(glob, kind, (pattern, aKind) => {
      const matcher = compileGlobs(pattern, aKind)
      if (aKind.ignoreCase) expect(matcher('AB/A')).toBe(matcher('ab/a'))
      expect(isMatch('ab/a', 'AB/A', aKind)).toBe(aKind.ignoreCase)
    }),
  )
})

describe('the pattern for SQL', () => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase({ max: 1, migrated: false })
  })
  afterAll(() => database.close())

  test('has a % for every *, and escapes what is special only to SQL', () => {
    expect(likePattern('issues.*')).toBe('issues.%')
    expect(likePattern('a_b%c\\d')).toBe('a\\_b\\%c\\\\d')
  })

  test('matches in PostgreSQL what the glob matches here', async () => {
    const parts = ['*', 'a', 'B', '.', '_', '%', '/', '[', ']', '+', '|', '$', '^', '-', 'é', '\n']
    const text = fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 5 }).map((some) => some.join(''))
    // Any two texts seldom match, so some values are made out of the glob.
    const pair = fc.oneof(
      fc.record({ pattern: text, value: text }),
      fc
        .record({ pattern: text, fill: fc.oneof(text, fc.constant('')) })
        .map(({ pattern, fill }) => ({ pattern, value: pattern.replaceAll('*', () => fill) })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pair, { minLength: 50, maxLength: 200 }), async (pairs) => {
        const { rows } = await database.query<{ is: boolean }>(
          'select value like pattern as is from unnest($1::text[], $2::text[]) with ordinality as n (value, pattern, at) order by at',
          [pairs.map((one) => one.value), pairs.map((one) => likePattern(one.pattern))],
        )
        const disagreeing = pairs.filter((one, at) => isMatch(one.pattern, one.value, NAME) !== rows[at]?.is)
        expect(disagreeing).toEqual([])
      }),
      { numRuns: 30 },
    )
  })
})

test('a name glob of many stars takes a time that grows with the value only', () => {
  const matches = compileGlobs('*a*a*a*a*a*a*a*b', NAME)
  const tookMs = cpuMs(() => {
    expect(matches('a'.repeat(100_000))).toBe(false)
    expect(matches(`${'a'.repeat(100_000)}b`)).toBe(true)
  })
  // By backtracking 512 characters took 22 s with three stars.
  expect(tookMs).toBeLessThan(5000)
})

// A regular expression of these takes longer than anybody waits.
test.each([
  ['*a*a*a*a*a*a*?z', NAME],
  ['{*a,*a*}{*a,*a*}*a*a*a*z', NAME],
  ['**/*a*a*a*a*a*a*z', PATH],
  ['*a*a*a*!(a|b)*a*z', REF],
])('a glob of any form is answered at once: %s', (pattern, kind) => {
  expect(compileGlobs(pattern, kind)('a'.repeat(5000))).toBe(false)
  expect(compileGlobs(pattern, kind)(`${'a'.repeat(5000)}z`)).toBe(true)
})

test.each(['{', '!(', '{a,', '!(a|', '{a,{b,c}'])('a glob of many %s that never end is read at once', (piece) => {
  const glob = `x${piece.repeat(100)}`
  expect(compileGlobs(glob, REF)(glob)).toBe(true)
  expect(compileGlobs(glob, REF)('x')).toBe(false)
})

describe('what stands in braces, brackets or after a backslash', () => {
  test.each([
    ['{a,b/{c,d}}', 'b/d', true],
    ['{a}', 'a', false],
    ['{a}', '{a}', true],
    ['{a,', '{a,', true],
    ['x{,-y}', 'x', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**', 'a', true],
    ['a/**', 'ab', false],
    ['!(a|b)c', 'c', true],
    ['!(a|b)c', 'ac', false],
    ['!(a|b)c', 'dc', true],
    ['[!0-9]', 'a', true],
    ['[!0-9]', '/', false],
    ['[]a]', ']', true],
    ['[a', '[a', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
  ])('%s and %s: %s', (glob, value, expected) => {
    expect(isMatch(glob, value, REF)).toBe(expected)
  })
})

test('the parts between stars stand one after the other, and never overlap', () => {
  expect(compileGlobs('a*a', NAME)('a')).toBe(false)
  expect(compileGlobs('a*a', NAME)('aa')).toBe(true)
  expect(compileGlobs('*ab*bc', NAME)('abc')).toBe(false)
  expect(compileGlobs('*ab*bc', NAME)('abbc')).toBe(true)
  expect(compileGlobs('DEP*', LOGIN)('dependabot[bot]')).toBe(true)
})
