import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Output } from './output.ts'
import type { Policy } from './policy.ts'
import { checkPolicies, refusal } from './policy.ts'
import type { PullRequestOutput } from './pull-request-output.ts'

const forge = { protectedPaths: ['.github/**', '**/CODEOWNERS'] }

function refused(output: Output, policy: Policy = {}) {
  return refusal(output, policy, forge)
}

function output(more: Partial<PullRequestOutput> = {}, path = 'deployments/bot/production.json'): PullRequestOutput {
  return {
    kind: 'pull_request',
    repository: 'acme/shop',
    branch: 'agenta/deploy-bot-1',
    title: 't',
    body: 'b',
    commitMessage: 'm',
    changes: [{ path, content: 'c' }],
    key: 'k',
    ...more,
  }
}

test('a deployment pull request is allowed', () => expect(refused(output())).toBeNull())

const PROTECTED = [
  '.github/workflows/ci.yml',
  '.GitHub/workflows/x.yml',
  '.github/CODEOWNERS',
  'docs/CODEOWNERS',
  '.gitmodules',
  'a/.gitattributes',
  // It would replace the protected file by a directory.
  '.gitmodules/x',
  'docs/CODEOWNERS/x',
]

test.each(PROTECTED)('%s is neither written nor deleted', (path) => {
  expect(refused(output({}, path))).toBe(`The path ${path} is protected; policy.protectedPaths says which are.`)
  expect(refused(output({ changes: [{ path, deleted: true }] }))).toBe(
    `The path ${path} is protected; policy.protectedPaths says which are.`,
  )
})

test("a rule's protected paths replace the default ones", () => {
  const policy = { protectedPaths: ['prompts/**'] }
  expect(refused(output({}, '.github/workflows/ci.yml'), policy)).toBeNull()
  expect(refused(output({}, 'prompts/a.md'), policy)).toMatch(/is protected/)
  expect(refused(output({}, '.git/config'), { protectedPaths: [] })).toMatch(/not a path inside/)
})

test.each([
  '',
  '/etc/passwd',
  '../x',
  'a/../b',
  'a//b',
  'a/',
  './a',
  '.git/config',
  'a/.GIT/hooks/x',
  'a\\b',
  'a\u0000b',
  'git~1/x',
  'GIT~2',
  '.g\u200cit/config',
  'a/.git\ufeff/config',
  '.git::$INDEX_ALLOCATION/config',
  '.git . ./config',
  'a/.\u200d./b',
  '\ud800',
  'x'.repeat(1025),
])('%j is no path inside the repository', (path) => expect(refused(output({}, path))).toMatch(/not a path inside/))

test('other repositories and branches are refused', () => {
  const policy = { repositories: ['acme/*'] }
  expect(refused(output(), policy)).toBeNull()
  expect(refused(output({ repository: 'Acme/Shop' }), policy)).toBeNull()
  expect(refused(output({ repository: 'other/shop' }), policy)).toBe(
    'The repository other/shop is not one that policy.repositories allows.',
  )
  expect(refused({ kind: 'labels', repository: 'other/shop', target: { issue: 1 }, labels: [] }, policy)).toMatch(
    /not one that policy/,
  )
  expect(refused(output({ branch: 'main' }))).toBe(
    'The branch main does not begin with agenta/ or signalbox/; policy.branchPrefixes can allow others.',
  )
  expect(refused(output({ branch: 'task/1' }), { branchPrefixes: ['task/'] })).toBeNull()
  expect(refused(output(), { branchPrefixes: ['task/'] })).toMatch(/does not begin with task\//)
})

test.each([
  ['acme/*', 'github:acme/shop', true],
  ['github:acme/*', 'acme/shop', true],
  ['acme/*', 'gitlab:acme/shop', false],
  ['gitlab:acme/**', 'gitlab:acme/tools/shop', true],
  ['gitlab:acme/**', 'acme/shop', false],
  ['**', 'gitlab:acme/tools/shop', true],
])('the repositories %j: whether %s is allowed is %s', (glob, repository, allowed) => {
  expect(refused(output({ repository }), { repositories: [glob] }) === null).toBe(allowed)
})

test('a repository is excluded by a glob that begins with !, with or without its forge', () => {
  for (const excluded of ['!acme/secret', '!github:acme/secret']) {
    const policy = { repositories: ['acme/*', excluded] }
    expect(refused(output(), policy)).toBeNull()
    expect(refused(output({ repository: 'acme/secret' }), policy)).toMatch(/not one that policy.repositories allows/)
  }
})

test('without a policy any repository of any forge is allowed', () => {
  for (const repository of ['acme/shop', 'gitlab:a/b/c']) expect(refused(output({ repository }))).toBeNull()
})

test('too many files, and a file that is named twice, are refused', () => {
  const changes = (count: number) => Array.from({ length: count }, (_, at) => ({ path: `f${at}`, content: '' }))
  expect(refused(output({ changes: changes(100) }))).toBeNull()
  expect(refused(output({ changes: changes(101) }))).toBe(
    '101 files are more than the 100 that policy.maxFiles allows.',
  )
  expect(refused(output({ changes: changes(3) }), { maxFiles: 2 })).toBe(
    '3 files are more than the 2 that policy.maxFiles allows.',
  )
  const twice = [...changes(1), { path: 'f0', deleted: true } as const]
  expect(refused(output({ changes: twice }))).toBe('The path f0 is changed twice.')
})

test('branch names that git refuses are refused', () => {
  const accepted = (branch: string) => {
    try {
      execFileSync('git', ['check-ref-format', `refs/heads/${branch}`], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
  const letters = ['a', '.', '/', '..', '@{', '@', '.lock', ' ', '~', '^', ':', '?', '*', '[', '\\', '-', '\u007f', 'é']
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 6 }), (parts) => {
      const branch = `agenta/${parts.join('')}`
      expect(refused(output({ branch })) === null).toBe(accepted(branch))
    }),
  )
})

test("the policies of a configuration's rules are checked, each mistake by rule and field", () => {
  const good = { repositories: ['acme/*'], branchPrefixes: ['task/'], protectedPaths: [], maxFiles: 3 }
  expect(() => checkPolicies([{ name: 'a' }, { name: 'b', policy: {} }, { name: 'c', policy: good }])).not.toThrow()
  const rules = [
    { name: 'a', policy: { maxFile: 3 } },
    { name: 'b', policy: { maxFiles: 0, repositories: 'acme/*' } },
    { name: 'c', policy: { repositories: [''] } },
    { name: 'd', policy: 'none' },
  ]
  expect(() => checkPolicies(rules)).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      detail: [
        'rules[0] "a": policy: unknown field "maxFile"; did you mean "maxFiles"?',
        'rules[1] "b": policy.repositories: must be a list, not a string',
        'rules[1] "b": policy.maxFiles: must be at least 1',
        'rules[2] "c": policy.repositories.0: must have at least 1 character',
        'rules[3] "d": policy: must be an object, not a string',
      ].join('\n'),
    }),
  )
})

test.each(['repositories', 'protectedPaths'])('%s: an exclusion of nothing is refused at the start', (field) => {
  expect(() => checkPolicies([{ name: 'fix', policy: { [field]: ['!'] } }])).toThrow(
    `rules[0] "fix": policy.${field}.0: must name what it excludes`,
  )
})
