import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { OwnEventType } from './own-events.ts'
import { isOwnEvent } from './own-events.ts'

const job = { job_id: 'j', job_type: 't', rule: 'r', agent: 'a', attempt: 1, event_id: null, subject: null }
const endpoint = { endpoint_id: 'e', endpoint_name: 'n', url: 'https://example.com' }
const failures = { failures: 20, failing_since: null, error: null }
const DATA: Record<Exclude<OwnEventType, 'environment.deployed'>, Record<string, unknown>> = {
  'environment.merged': {
    deployment_id: 'd',
    app_name: 'a',
    environment: 'e',
    project_id: 'p',
    repository: 'acme/shop',
    pull_request: 1,
    url: 'https://example.com',
    merge_sha: null,
    merged_by: null,
  },
  'deployment.drifted': {
    deployment_id: 'd',
    app_name: 'bot',
    environment: 'production',
    sequence: 1,
    repository: 'acme/prompts',
    branch: 'main',
    path: 'a.json',
    commit: null,
    file: 'missing',
    file_config_sha256: null,
    config_diff: {},
  },
  'job.completed': { ...job, result: null },
  'job.failed': { ...job, error: 'It failed.' },
  'job.waiting': { ...job, name: 'ship', kind: 'approval', reason: null, since: '2026-01-01', until: '2026-01-02' },
  'endpoint.failing': { ...endpoint, ...failures },
  'endpoint.disabled': { ...endpoint, ...failures },
  'endpoint.recovered': { ...endpoint, ...failures },
  'delivery.exhausted': {
    ...endpoint,
    delivery_id: 'd',
    event_id: 'e',
    event_type: 't',
    attempts: 10,
    error: null,
  },
  'gap.found': { gap_id: 'g', hook: 'app/hook', began_at: '2026-01-01', ended_at: '2026-01-01', reason: null },
  'rule.paused': { rule: 'r', reason: 'It failed.', job_id: 'j', error: null },
}

function event(type: string, data: unknown) {
  return { event: type, timestamp: '2026-01-01T00:00:00Z', delivery_id: 'd1', data }
}

test.each(Object.entries(DATA))('%s is one of Signalbox’s own, with the data of its type', (type, data) => {
  const payload = event(type, data)
  expect([isOwnEvent(payload), isOwnEvent(payload, type as OwnEventType)]).toEqual([true, true])
  const others = Object.keys(DATA).filter((other) => other !== type) as OwnEventType[]
  expect(others.filter((other) => isOwnEvent(payload, other))).toEqual([])
  for (const field of Object.keys(data).filter((name) => typeof data[name] === 'string')) {
    expect(isOwnEvent(event(type, { ...data, [field]: 1 }))).toBe(false)
  }
})

test('events of other sources, and what only looks like an event, are not', () => {
  const others = [
    event('push', {}),
    event('toString', {}),
    event('environment.deployed', {}),
    event('job.failed', []),
    null,
  ]
  expect(others.filter((each) => isOwnEvent(each))).toEqual([])
})

test('the type narrows what a program may read', () => {
  const payload: unknown = event('job.failed', DATA['job.failed'])
  if (!isOwnEvent(payload)) throw new Error('no event')
  switch (payload.event) {
    case 'job.failed':
      expect(payload.data.error).toBe('It failed.')
      break
    case 'environment.deployed':
      expect(payload.data.config_diff).toBeDefined()
      break
    default:
      throw new Error('another type')
  }
})

test('the README names each of them', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(Object.keys(DATA).filter((type) => !readme.includes(`\`${type}\``))).toEqual([])
})
