import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { githubEventOf, isContradicted } from './event-of.ts'

type Example = { name: string; examples: Record<string, unknown>[] }
const corpus = createRequire(import.meta.url)('@octokit/webhooks-examples') as Example[]
const payloads = corpus.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })))

test("GitHub's payloads are never taken for another event, and most are known", () => {
  const known = payloads
    .map(({ name, payload }) => ({ name, event: githubEventOf(payload) }))
    .filter(({ event }) => event !== undefined)
  expect(known.filter(({ name, event }) => event !== name)).toEqual([])
  expect(known.length).toBeGreaterThan(payloads.length / 2)
})

test("GitHub's payloads contradict their own event never, and that of another known one always", () => {
  const known = payloads.filter(({ payload }) => githubEventOf(payload) !== undefined)
  const events = [...new Set(known.map(({ name }) => name))]
  for (const { name, payload } of known) {
    expect(events.filter((event) => !isContradicted(event, payload))).toEqual([name])
  }
  expect(payloads.filter(({ name, payload }) => isContradicted(name, payload))).toEqual([])
})

test('an event that is not known contradicts nothing', () => {
  expect(isContradicted('an_event_of_tomorrow', { ref: 'refs/heads/main', before: '0', after: '1' })).toBe(false)
})

test('a payload that shows no event cannot be one that a job is made of', () => {
  const others = payloads.filter(({ payload }) => githubEventOf(payload) === undefined)
  expect(others.length).toBeGreaterThan(20)
  const events = ['push', 'pull_request', 'issues', 'issue_comment', 'release', 'discussion', 'deployment']
  const taken = others.flatMap(({ name, payload }) =>
    events.filter((event) => event !== name && !isContradicted(event, payload)).map((event) => `${name} as ${event}`),
  )
  expect(taken).toEqual([])
})

test.each(['approved', 'rejected'])('a deployment review that is %s is one, though it has other keys', (action) => {
  const workflow_run = { id: 1 }
  const payload = { action, workflow_run, since: '2026-01-01', approver: {}, comment: 'ok', workflow_job_runs: [] }
  expect(isContradicted('deployment_review', payload)).toBe(false)
  expect(isContradicted('commit_comment', payload)).toBe(true)
})
