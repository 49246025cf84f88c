import { describe, expect, test } from 'vitest'
import { compileGlobs } from './glob.ts'
import type { Globs } from './rule.ts'

function path(globs: Globs, value: string) {
  return compileGlobs(globs, { path: true, ignoreCase: false })(value)
}
function name(globs: Globs, value: string) {
  return compileGlobs(globs, { path: false, ignoreCase: true })(value)
}

describe('in a path', () => {
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
    expect(path(glob, value)).toBe(expected)
  })
})

describe('in a name', () => {
  test.each([
    ['*', 'kind/bug', true],
    ['kind/*', 'kind/bug/old', true],
    ['*bug', 'kind/bug', true],
    ['Agent-Task', 'agent-task', true],
    ['dependabot[bot]', 'dependabot[bot]', true],
    ['dependabot[bot]', 'dependabotb', false],
    ['*[bot]', 'renovate[bot]', true],
    ['*[bot]', 'robot', false],
    ['C++', 'c++', true],
    ['what? (really)', 'what? (really)', true],
    ['issues.*', 'issues.labeled', true],
    ['issues.*', 'issues', false],
    ['pull_request.*', 'pull_request_review.submitted', false],
  ])('%s and %s: %s', (glob, value, expected) => {
    expect(name(glob, value)).toBe(expected)
  })
})

test('one of several globs is enough, and one that begins with ! takes values out again', () => {
  expect(path(['main', 'release/*'], 'release/1')).toBe(true)
  expect(path(['release/*', '!release/0.*'], 'release/0.9')).toBe(false)
  expect(path(['release/*', '!release/0.*'], 'release/1.0')).toBe(true)
  expect(path('!main', 'main')).toBe(false)
  expect(path('!main', 'dev')).toBe(true)
})

test('an empty glob is refused', () => {
  expect(() => path('', 'x')).toThrow()
})
