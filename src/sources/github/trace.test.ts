import { expect, test } from 'vitest'
import { markerText } from '../../lib/marker.ts'
import { withTrailer } from '../../lib/trailer.ts'
import { githubTrace } from './trace.ts'

const body = `Done.\n\n${markerText({ keys: ['job=1/r'] })}`

test('a text has the keys of its markers, and one without is nobody known', () => {
  const issue = { body: 'Please' }
  expect(githubTrace('issue_comment', { action: 'created', issue, comment: { body } })).toEqual({
    keys: ['job=1/r'],
    hasText: true,
  })
  expect(githubTrace('issue_comment', { issue: { body }, comment: { body: 'Hi' } })).toEqual({
    keys: [],
    hasText: true,
  })
  expect(githubTrace('pull_request', { action: 'opened', pull_request: { body } })?.keys).toEqual(['job=1/r'])
})

test('a push has the key of its last commit', () => {
  const message = withTrailer('Deploy', { key: 'deployment=1 a' })
  expect(githubTrace('push', { head_commit: { message } })).toEqual({ keys: ['deployment=1 a'], hasText: true })
  expect(githubTrace('push', { head_commit: { message: 'Deploy' } })).toEqual({ keys: [], hasText: true })
  expect(githubTrace('push', { head_commit: null })).toEqual({ keys: [], hasText: true })
})

test('what has no text of its own is known by its account', () => {
  expect(githubTrace('issues', { action: 'labeled', issue: { body: null } })).toEqual({ keys: [], hasText: false })
  expect(githubTrace('create', { ref: 'x' })).toEqual({ keys: [], hasText: false })
})

test('a label and a push to a pull request say what an output would have named', () => {
  expect(githubTrace('issues', { action: 'labeled', label: { name: 'go' } })?.named).toEqual({ label: 'go' })
  expect(githubTrace('pull_request', { action: 'unlabeled', label: { name: 'go' } })?.named).toEqual({ label: 'go' })
  const pull_request = { head: { ref: 'fix' } }
  expect(githubTrace('pull_request', { action: 'synchronize', pull_request })?.named).toEqual({ branch: 'fix' })
  expect(githubTrace('pull_request', { action: 'closed', pull_request })?.named).toBeUndefined()
})

test('the review that GitHub makes of a reply in a thread has no text, and is known by its account', () => {
  const review = { body: null }
  const pull_request = { body }
  expect(githubTrace('pull_request_review', { action: 'submitted', review, pull_request })).toEqual({
    keys: [],
    hasText: false,
  })
  expect(githubTrace('pull_request_review', { action: 'submitted', review: { body } })?.keys).toEqual(['job=1/r'])
  expect(githubTrace('pull_request_review_thread', { action: 'resolved', pull_request })?.hasText).toBe(false)
})

test('the work of others that a push has started shows nothing', () => {
  for (const event of ['workflow_run', 'check_suite', 'check_run', 'release', 'star']) {
    expect(githubTrace(event, {})).toBeUndefined()
  }
})
