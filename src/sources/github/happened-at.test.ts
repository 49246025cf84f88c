import { expect, test } from 'vitest'
import { happenedAt } from './happened-at.ts'

const updated_at = '2026-01-02T03:04:05Z'
const at = new Date(updated_at)

test.each([
  ['push', { repository: { pushed_at: at.getTime() / 1000 }, head_commit: { timestamp: '2030-01-01T00:00:00Z' } }, at],
  ['pull_request', { pull_request: { updated_at } }, at],
  ['issue_comment', { issue: { updated_at } }, at],
  ['push', { repository: { pushed_at: updated_at } }, undefined],
  ['push', { repository: { pushed_at: 1e12 } }, undefined],
  ['pull_request', { pull_request: { updated_at: 'yesterday' } }, undefined],
  ['star', { action: 'created' }, undefined],
])('%s with %j', (event, payload, time) => {
  expect(happenedAt(event, payload)).toEqual(time)
})
