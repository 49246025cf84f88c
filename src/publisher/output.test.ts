import { expect, test } from 'vitest'
import { GiveUp } from '../lib/error.ts'
import type { Output } from './output.ts'
import { parseOutputs } from './output.ts'

const pullRequest = {
  kind: 'pull_request',
  repository: 'acme/shop',
  branch: 'agenta/x',
  title: 'Title',
  body: '',
  commitMessage: 'Message',
  changes: [{ path: 'a.txt', content: 'text' }],
  key: 'k',
} as const
const comment = { kind: 'comment', repository: 'acme/shop', target: { issue: 1 }, body: 'Hi', key: 'k' } as const
const labels = { kind: 'labels', repository: 'acme/shop', target: { issue: 1 }, labels: ['bug'] } as const

test('outputs of every kind come back as they are', () => {
  const outputs: Output[] = [
    pullRequest,
    {
      ...pullRequest,
      repository: 'gitlab:acme/tools/shop',
      base: 'main',
      labels: ['bot'],
      series: 's',
      order: 1.5,
      onOpenPullRequest: 'separate',
      changes: [
        { path: 'bin/run', content: '#!/bin/sh\n', executable: true },
        { path: 'logo.png', content: { base64: 'iVBORw0KGgo=' }, executable: false },
        { path: 'old.txt', deleted: true },
      ],
    },
    comment,
    { ...comment, repository: 'github:acme/shop', target: { commit: 'a'.repeat(40) } },
    { ...comment, target: { pullRequest: 2 } },
    labels,
    { ...labels, target: { pullRequest: 2 } },
  ]
  expect(parseOutputs(outputs)).toEqual(outputs)
  expect(parseOutputs([])).toEqual([])
})

const sha = 'a'.repeat(40)
const more: Output[] = [
  { ...comment, sticky: true, name: 'status' },
  { ...labels, labels: undefined, remove: ['old'] },
  { kind: 'reaction', repository: 'acme/shop', target: { reviewComment: 1 }, reaction: 'eyes' },
  { kind: 'review', repository: 'acme/shop', pullRequest: 1, commit: sha, event: 'APPROVE', body: '', key: 'k' },
  { kind: 'commit', repository: 'acme/shop', branch: 'x', message: 'm', changes: pullRequest.changes, key: 'k' },
  { kind: 'issue', repository: 'acme/shop', title: 't', body: '', state: 'closed', reason: 'completed', key: 'k' },
]
const check = {
  kind: 'check',
  repository: 'acme/shop',
  commit: sha,
  check: 'review',
  status: 'completed',
  conclusion: 'success',
  title: 't',
  summary: '',
  key: 'k',
} as const
const deployment = {
  kind: 'deployment_status',
  repository: 'acme/shop',
  target: { ref: 'main', environment: 'staging' },
  state: 'success',
  key: 'k',
} as const

test('outputs of the other kinds come back as they are, too', () => {
  const outputs = [...more, check, deployment, { ...deployment, target: { deployment: 1 } }]
  expect(parseOutputs(outputs)).toEqual(outputs)
})

test.each([
  ['labels that say nothing', { ...labels, labels: undefined }, 'labels: is required, unless "remove" is given'],
  ['a conclusion of what goes on', { ...check, status: 'queued' }, 'conclusion: is required when'],
  ['an end without a conclusion', { ...check, conclusion: undefined }, 'conclusion: is required when'],
  ['why an open issue is closed', { ...more[5], state: 'open' }, 'reason: is allowed only with the state "closed"'],
  ['an address of a script', { ...deployment, logUrl: 'javascript:alert(1)' }, 'logUrl: '],
  ['a name that no reference can have', { ...comment, name: 'The PR' }, 'name: write small letters'],
])('%s is refused', (_, output, problem) => {
  expect(() => parseOutputs([output])).toThrow(`The agent's outputs are not valid: outputs.0.${problem}`)
})

test('what they contain survives being stored as JSON', () => {
  const stored = JSON.parse(JSON.stringify([{ ...pullRequest, base: undefined }]))
  expect(parseOutputs(stored)).toEqual([pullRequest])
})

test('an option that is undefined is an option that is absent', () => {
  expect(parseOutputs([{ ...pullRequest, base: undefined, labels: undefined }])).toEqual([pullRequest])
})

test.each([
  ['no list', pullRequest, 'outputs: must be a list, not an object'],
  [
    'an unknown kind',
    [{ kind: 'delete_repository' }],
    'outputs.0.kind: must be "pull_request", "commit", "comment", "labels"',
  ],
  ['an unknown field', [{ ...comment, token: 'x' }], 'outputs.0: unknown field "token"'],
  ['a missing field', [comment, { ...labels, target: undefined }], 'outputs.1.target: is required'],
  ['no repository', [{ ...labels, repository: '../x' }], 'outputs.0.repository: write owner/name'],
  ['half a commit', [{ ...comment, target: { commit: 'abc' } }], 'outputs.0.target.commit: write the 40 digits'],
  ['an issue 0', [{ ...labels, target: { issue: 0 } }], 'outputs.0.target.issue: must be more than 0'],
  ['an empty label', [{ ...labels, labels: [''] }], 'outputs.0.labels.0: must have at least 1 character'],
  ['no changes', [{ ...pullRequest, changes: [] }], 'outputs.0.changes: must have at least 1 item'],
  [
    'a title that is too long',
    [{ ...pullRequest, title: 'x'.repeat(251) }],
    'outputs.0.title: must have at most 250 characters',
  ],
  ['too many outputs', Array.from({ length: 101 }, () => labels), 'outputs: must have at most 100 items'],
])('%s is refused for good, and named', (_, outputs, problem) => {
  expect(() => parseOutputs(outputs)).toThrow(GiveUp)
  expect(() => parseOutputs(outputs)).toThrow(`The agent's outputs are not valid: ${problem}`)
})

test.each([
  ['bytes', { path: 'a', content: new Uint8Array(3) }],
  ['text for base64', { path: 'a', content: { base64: 'not base64!' } }],
  ['content for a deletion', { path: 'a', content: '', deleted: true }],
  ['a deletion that is false', { path: 'a', deleted: false }],
  ['no path', { path: '', content: '' }],
])('a change with %s is refused', (_, change) => {
  expect(() => parseOutputs([{ ...pullRequest, changes: [change] }])).toThrow(/outputs\.0\.changes\.0/)
})
