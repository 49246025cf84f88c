import { describe, expect, test } from 'vitest'
import { githubPullRequest } from './pull-request.ts'

function payload(change: Record<string, unknown> = {}, action = 'opened') {
  return {
    action,
    repository: { full_name: 'acme/bot' },
    pull_request: {
      number: 7,
      html_url: 'https://github.com/acme/bot/pull/7',
      state: 'open',
      merged: false,
      merge_commit_sha: 'trial',
      merged_by: null,
      updated_at: '2026-01-01T00:00:00Z',
      body: 'What it does.',
      head: { ref: 'work', repo: { full_name: 'acme/bot' } },
      base: { ref: 'main', repo: { full_name: 'acme/bot' } },
      ...change,
    },
  }
}

const open = {
  repository: 'acme/bot',
  number: 7,
  url: 'https://github.com/acme/bot/pull/7',
  state: 'open',
  reopened: false,
  mergeSha: null,
  mergedBy: null,
  head: { ref: 'work', fromFork: false },
  body: 'What it does.',
  updatedAt: new Date('2026-01-01T00:00:00Z'),
}

test('an open pull request has no merge, whatever GitHub tried out', () => {
  expect(githubPullRequest(payload())).toEqual(open)
  expect(githubPullRequest(payload({ body: null }))).toEqual({ ...open, body: null })
})

test('a merged one has its commit and who merged it, a closed one has neither', () => {
  const merged = {
    state: 'closed',
    merged: true,
    merge_commit_sha: 'abc',
    merged_by: { login: 'jane' },
    merged_at: '2026-01-01T00:00:00Z',
  }
  expect(githubPullRequest(payload(merged, 'closed'))).toEqual({
    ...open,
    state: 'merged',
    mergeSha: 'abc',
    mergedBy: 'jane',
    mergedAt: new Date('2026-01-01T00:00:00Z'),
  })
  expect(githubPullRequest(payload({ state: 'closed' }, 'closed'))).toEqual({ ...open, state: 'closed' })
})

test('only the action says that it was opened again', () => {
  expect(githubPullRequest(payload({}, 'reopened'))).toEqual({ ...open, reopened: true })
})

describe('the head', () => {
  test.each([
    ['the same repository', { full_name: 'acme/bot' }, false],
    ['a fork', { full_name: 'mallory/bot' }, true],
    ['a fork that was deleted', null, true],
  ])('of %s', (_, repo, fromFork) => {
    expect(githubPullRequest(payload({ head: { ref: 'x', repo } }))?.head).toEqual({ ref: 'x', fromFork })
  })
})

test.each([
  ['a number beyond the column', { number: 2 ** 40 }],
  ['a number that is a text', { number: 'x' }],
  ['a time that is not one', { updated_at: 'yesterday' }],
  ['an address that a browser would run', { html_url: 'javascript:alert(1)' }],
  ['an address with NUL', { html_url: 'https://github.com/\u0000' }],
  ['an unknown state', { state: 'merged' }],
  ['a commit with NUL', { merged: true, merge_commit_sha: '\u0000' }],
  ["a repository that could not be GitHub's", { base: { repo: { full_name: '../..' } } }],
])('a payload with %s says nothing of a pull request', (_, change) => {
  expect(githubPullRequest(payload(change))).toBeUndefined()
})

test('nor does the payload of another event', () => {
  expect(githubPullRequest({ action: 'opened', issue: { number: 7 } })).toBeUndefined()
  expect(githubPullRequest({})).toBeUndefined()
})
