import { expect, test } from 'vitest'
import { redactor } from '../untrusted/redact.ts'
import type { Output } from './output.ts'
import { redactedOutput } from './redacted-output.ts'

const token = `ghp_${'a1'.repeat(18)}`
const own = redactor([], ['the-own-secret-1'])

test('a comment has neither a known value nor a token', () => {
  const comment: Output = {
    kind: 'comment',
    repository: 'acme/shop',
    target: { issue: 1 },
    key: 'k',
    body: `the-own-secret-1 and ${token}`,
  }
  expect(redactedOutput(comment, own)).toEqual({ ...comment, body: '[redacted] and [redacted]' })
})

test('the texts of a pull request have no secrets, and its files no known values', () => {
  const pull: Output = {
    kind: 'pull_request',
    repository: 'acme/shop',
    branch: 'agenta/x',
    title: token,
    body: token,
    commitMessage: `x ${token}`,
    key: 'k',
    changes: [
      { path: 'a', content: `the-own-secret-1, and ${token} of an example` },
      { path: 'b', deleted: true },
      { path: 'c', content: { base64: 'AA==' } },
    ],
  }
  expect(redactedOutput(pull, own)).toEqual({
    ...pull,
    title: '[redacted]',
    body: '[redacted]',
    commitMessage: 'x [redacted]',
    changes: [{ path: 'a', content: `[redacted], and ${token} of an example` }, ...pull.changes.slice(1)],
  })
})

test('texts of every kind have no secrets, wherever they stand, and names no known values', () => {
  const check: Output = {
    kind: 'check',
    repository: 'acme/shop',
    commit: 'a'.repeat(40),
    check: 'the-own-secret-1',
    status: 'completed',
    conclusion: 'failure',
    title: token,
    summary: token,
    detailsUrl: 'https://ci.example/?t=the-own-secret-1',
    annotations: [{ path: 'a', startLine: 1, endLine: 1, level: 'notice', message: token }],
    key: 'k',
  }
  expect(redactedOutput(check, own)).toEqual({
    ...check,
    check: '[redacted]',
    title: '[redacted]',
    summary: '[redacted]',
    detailsUrl: 'https://ci.example/?t=[redacted]',
    annotations: [{ path: 'a', startLine: 1, endLine: 1, level: 'notice', message: '[redacted]' }],
  })
})
