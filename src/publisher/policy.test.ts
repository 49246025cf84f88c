import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PullRequestOutput } from './output.ts'
import { refusal } from './policy.ts'

function output(more: Partial<PullRequestOutput> = {}, path = 'deployments/bot/production.json'): PullRequestOutput {
  return {
    kind: 'pull_request',
    repository: 'acme/shop',
    branch: 'agenta/deploy-bot-1',
    title: 't',
    body: 'b',
    commitMessage: 'm',
    files: [{ path, content: 'c' }],
    key: 'k',
    ...more,
  }
}

test('a deployment pull request is allowed', () => expect(refusal(output())).toBeNull())

test.each([
  '.github/workflows/ci.yml',
  '.GitHub/workflows/x.yml',
  '.github/CODEOWNERS',
  'docs/CODEOWNERS',
  '.gitmodules',
  'a/.gitattributes',
])('%s is protected', (path) => expect(refusal(output({}, path))).toMatch(/is protected/))

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
  '\ud800',
])('%j is no path inside the repository', (path) => expect(refusal(output({}, path))).toMatch(/not a path inside/))

test('other repositories, branches and too many files are refused', () => {
  const policy = { repositories: ['acme/*'] }
  expect(refusal(output(), policy)).toBeNull()
  expect(refusal(output({ repository: 'Acme/Shop' }), policy)).toBeNull()
  expect(refusal(output({ repository: 'other/shop' }), policy)).toMatch(/not an allowed one/)
  expect(refusal({ kind: 'labels', repository: 'other/shop', issue: 1, labels: [] }, policy)).toMatch(/not an allowed/)
  expect(refusal(output({ branch: 'main' }))).toMatch(/does not begin with agenta/)
  expect(refusal(output({ branch: 'task/1' }), { branchPrefixes: ['task/'] })).toBeNull()
  expect(refusal(output({ files: [] }))).toMatch(/at least one file/)
  expect(refusal(output({ files: Array.from({ length: 101 }, (_, at) => ({ path: `f${at}`, content: '' })) }))).toMatch(
    /101 files/,
  )
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
  const part = fc.constantFrom(
    'a',
    '.',
    '/',
    '..',
    '@{',
    '@',
    '.lock',
    ' ',
    '~',
    '^',
    ':',
    '?',
    '*',
    '[',
    '\\',
    '-',
    '\u007f',
    'é',
  )
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const branch = `agenta/${parts.join('')}`
      expect(refusal(output({ branch })) === null).toBe(accepted(branch))
    }),
    { numRuns: 150 },
  )
})
