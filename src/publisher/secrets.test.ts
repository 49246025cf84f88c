import { describe, expect, test } from 'vitest'
import { valueFinder } from '../untrusted/value-finder.ts'
import { accepting } from './accept.ts'
import type { Output } from './output.ts'
import type { Policy } from './policy.ts'
import { redactedOutput, requireNoSecrets } from './secrets.ts'

const token = `ghp_${'a1'.repeat(18)}`
const own = 'the-own-Secret-0f-1t'
const isOwn = valueFinder([own])
const policy: Policy = { repositories: ['acme/shop'] }
const sha = 'a'.repeat(40)

const comment: Output = { kind: 'comment', repository: 'acme/shop', target: { issue: 1 }, body: 'b', key: 'k' }
const pull: Output = {
  kind: 'pull_request',
  repository: 'acme/shop',
  branch: 'agenta/x',
  title: 't',
  body: 'b',
  commitMessage: 'm',
  key: 'k',
  changes: [{ path: 'a', content: 'c' }],
}
const check: Output = {
  kind: 'check',
  repository: 'acme/shop',
  commit: sha,
  check: 'c',
  status: 'queued',
  title: 't',
  summary: 's',
  key: 'k',
}

function refused(output: Output, limits = policy): string {
  try {
    requireNoSecrets(output, limits, isOwn)
    return 'accepted'
  } catch (error) {
    expect(String(error)).not.toContain(own)
    expect(String(error)).not.toContain(token)
    return String(error)
  }
}

const PLACES: [string, Output][] = [
  ['body', { ...comment, body: `x ${own}` }],
  ['key', { ...comment, key: own }],
  ['title', { ...pull, title: own }],
  ['branch', { ...pull, branch: `agenta/${own}` }],
  ['commitMessage', { ...pull, commitMessage: own }],
  ['labels.0', { ...pull, labels: [own] }],
  ['changes.0.path', { ...pull, changes: [{ path: own, deleted: true }] }],
  ['changes.0.content', { ...pull, changes: [{ path: 'a', content: own }] }],
  [
    'changes.0.content.base64',
    { ...pull, changes: [{ path: 'a', content: { base64: Buffer.from(`\xff${own}`).toString('base64') } }] },
  ],
  ['check', { ...check, check: own }],
  ['detailsUrl', { ...check, detailsUrl: `https://x.example/?q=${own}` }],
  [
    'annotations.0.path',
    { ...check, annotations: [{ path: own, startLine: 1, endLine: 1, level: 'notice', message: 'm' }] },
  ],
  [
    'annotations.0.message',
    { ...check, annotations: [{ path: 'a', startLine: 1, endLine: 1, level: 'notice', message: own }] },
  ],
]

test.each(PLACES)('a value of the service in %s refuses the output', (place, output) => {
  expect(refused(output)).toContain(`the output's ${place} has a secret of this service`)
})

const HIDDEN: [string, string][] = [
  ['as it is', own],
  ['in another case', own.toUpperCase()],
  ['in base64', Buffer.from(own).toString('base64')],
  ['in base64 of a longer text', Buffer.from(`ab${own}cd`).toString('base64')],
  ['in base64 one byte later', Buffer.from(`a${own}c`).toString('base64')],
  [
    'in base64 with line ends',
    Buffer.from(`a${own}c`)
      .toString('base64')
      .replace(/(.{5})/g, '$1\n'),
  ],
  ['in base64url', Buffer.from(`a${own}c`).toString('base64url')],
  ['in hexadecimal', Buffer.from(own).toString('hex')],
  ['in hexadecimal with colons', Buffer.from(own).toString('hex').replace(/(..)/g, '$1:').toUpperCase()],
  ['in an address', encodeURIComponent(own)],
  ['split by spaces', [...own].join(' ')],
  ['split over lines', own.replace(/(.{4})/g, '$1\n')],
  ['split by invisible characters', [...own].join('\u200b')],
  ['as the sum of strings', own.replace(/(.{6})/g, '$1" + "')],
  ['backwards', [...own].reverse().join('')],
]

test.each(HIDDEN)('it is found %s', (_, text) => {
  expect(refused({ ...comment, body: `Look: ${text} !` })).toContain('a secret of this service')
  expect(refused({ ...pull, changes: [{ path: 'a', content: `x\n${text}\ny` }] })).toContain('a secret of this service')
})

test('a text without one is accepted, and so is one of half of it', () => {
  expect(refused(comment)).toBe('accepted')
  expect(refused({ ...comment, body: `the-own ${own.slice(10)}` })).toBe('accepted')
})

describe('what looks like a token', () => {
  test('refuses names and addresses', () => {
    expect(refused({ ...pull, branch: `agenta/${token}` })).toContain(
      "the output's branch has what looks like a token of GitHub",
    )
    expect(refused({ ...pull, changes: [{ path: token, content: '' }] })).toContain('changes.0.path')
    expect(refused({ ...check, detailsUrl: `https://x.example/?q=${token}` })).toContain('detailsUrl')
  })

  test('refuses files, unless the rule allows it', () => {
    const output = { ...pull, changes: [{ path: 'a', content: `example: ${token}` }] }
    expect(refused(output)).toContain("if it is an example, the rule's outputs.pull_request.allowTokens can allow it")
    expect(refused(output, { ...policy, outputs: { pull_request: { allowTokens: true } } })).toBe('accepted')
    const named = { ...output, branch: `agenta/${token}` }
    expect(refused(named, { ...policy, outputs: { pull_request: { allowTokens: true } } })).toContain('branch')
  })

  test('is taken out of what people read, wherever that stands', () => {
    expect(refused({ ...comment, body: token })).toBe('accepted')
    const message = { path: 'a', startLine: 1, endLine: 1, level: 'notice' as const, message: token }
    expect(redactedOutput({ ...check, title: token, summary: token, annotations: [message] })).toEqual({
      ...check,
      title: '[redacted]',
      summary: '[redacted]',
      annotations: [{ ...message, message: '[redacted]' }],
    })
    expect(redactedOutput({ ...pull, title: token, body: token, commitMessage: `x ${token}` })).toEqual({
      ...pull,
      title: '[redacted]',
      body: '[redacted]',
      commitMessage: 'x [redacted]',
    })
  })
})

describe('what an agent returned', () => {
  const accept = accepting(isOwn)

  test('is accepted without tokens in its texts', () => {
    expect(accept([{ ...comment, body: token }], policy)).toEqual([{ ...comment, body: '[redacted]' }])
  })

  test.each([
    ['when it is no output', [{ kind: 'comment' }], 'outputs are not valid'],
    ['when the policy has no such kind', [{ ...comment, repository: 'acme/secret' }], 'Refused by policy'],
    ['when a reference is to nothing', [{ ...comment, body: '{{outputs.pr.url}}' }], 'is no reference'],
    ['when it has a secret', [{ ...comment, body: own }], 'a secret of this service'],
  ])('is refused as a whole %s', (_, outputs, reason) => {
    expect(() => accept(outputs, policy)).toThrow(reason)
    expect(() => accept([comment, ...outputs], policy)).toThrow(reason)
  })

  test('is refused where no rule made the job', () => {
    expect(() => accept([comment], null)).toThrow('Refused by policy')
    expect(accept([], null)).toEqual([])
  })
})
