// Jobs that are ended by SQL, on a service that serves: one event each, delivered, and
// what they have to say for that case written once.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import type { JobDetail } from '../src/jobs/wire.ts'
import { newId } from '../src/lib/id.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, until } from './signalbox.ts'

const END = `UPDATE agent_jobs SET status = 'failed', error = 'Job timeout' WHERE id = `

const agents = [
  defineAgent({
    name: 'running',
    description: 'Runs until it is stopped.',
    input: z.unknown(),
    run: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  }),
  defineAgent({
    name: 'sleeping',
    description: 'Waits.',
    input: z.unknown(),
    run: async ({ sleep }) => {
      await sleep('a while', 3_600_000)
      return {}
    },
  }),
]

let signalbox: TestSignalbox
let endpoint: string
beforeAll(async () => {
  signalbox = await openTestSignalbox({ config: { agents, rules: [] } })
  const made = await signalbox.api('/api/endpoints', {
    method: 'POST',
    // Nobody listens there; what counts is which deliveries there are.
    body: { name: 'failures', url: 'http://127.0.0.1:8099/', events: ['job.failed'], environments: null },
  })
  endpoint = ((await made.json()) as { id: string }).id
})
afterAll(() => signalbox?.close())

async function trigger(type: string): Promise<string> {
  const response = await signalbox.api('/webhook/manual', { method: 'POST', body: { job_type: type } })
  return ((await response.json()) as { jobs: [string] }).jobs[0]
}
async function job(id: string): Promise<JobDetail> {
  return (await (await signalbox.api(`/api/jobs/${id}`)).json()) as JobDetail
}
function reach(id: string, status: string): Promise<boolean> {
  return until(`${id} is ${status}`, async () => (await job(id)).status === status)
}
/** The events that say that a job failed, and their deliveries. */
async function said(id: string): Promise<{ events: number; deliveries: number }> {
  const where = `type = 'job.failed' and cause_job_id = '${id}'`
  return {
    events: await signalbox.count('signalbox.events', where),
    deliveries: await signalbox.count(
      'signalbox.deliveries',
      `endpoint_id = '${endpoint}' and event_id in (select id from signalbox.events where ${where})`,
    ),
  }
}
function hasSaid(id: string): Promise<boolean> {
  return until(`${id} is said to have failed`, async () => (await said(id)).events > 0)
}
async function pause(kind: string, name?: string): Promise<() => Promise<unknown>> {
  await signalbox.api('/api/pauses', { method: 'POST', body: { kind, name } })
  return () =>
    signalbox.api(`/api/pauses?kind=${kind}${name === undefined ? '' : `&name=${name}`}`, { method: 'DELETE' })
}

test.each([
  ['running on a live node', 'running', 'running'],
  ['waiting', 'sleeping', 'waiting'],
])('a job that was %s emits job.failed once, and it is delivered', async (_, type, status) => {
  const id = await trigger(type)
  await reach(id, status)
  await signalbox.database.query(`${END} '${id}'`)
  await reach(id, 'failed')
  await hasSaid(id)
  expect(await job(id)).toMatchObject({ error: 'Job timeout', cause: 'by hand' })
  // Whatever is notified again.
  await signalbox.database.query(`select pg_notify('signalbox_ended', ''), pg_notify('signalbox', '')`)
  const after = await trigger('ping')
  await reach(after, 'completed')
  expect(await said(id)).toEqual({ events: 1, deliveries: 1 })
})

test('a job that was pending emits it once, also while everything is paused; its delivery is held', async () => {
  const resume = await pause('everything')
  const id = await trigger('ping')
  await signalbox.database.query(`${END} '${id}'`)
  await hasSaid(id)
  expect(await said(id)).toEqual({ events: 1, deliveries: 1 })
  await resume()
  await reach(await trigger('ping'), 'completed')
  expect(await said(id)).toEqual({ events: 1, deliveries: 1 })
})

test('a job of a node that is dead emits it once, after its lease', async () => {
  const id = newId()
  await signalbox.database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, status, owner, attempt, attempt_started_at, priority,
       max_attempts, time_limit_ms, available_at)
     values ($1, 'manual', 'ping', 'ping', '{}', 'running', $2, 1, now(), 5, 5, 60000, now() + interval '1 s')`,
    [id, newId()],
  )
  await signalbox.database.query(`${END} '${id}'`)
  await signalbox.database.query(`select pg_notify('signalbox', '')`)
  await reach(id, 'failed')
  await hasSaid(id)
  expect(await said(id)).toEqual({ events: 1, deliveries: 1 })
})

test('running jobs of what is paused are put back by "stop", and go on when it is resumed', async () => {
  const id = await trigger('running')
  await reach(id, 'running')
  const body = { kind: 'source', name: 'manual', running: 'stop' }
  const paused = await signalbox.api('/api/pauses', { method: 'POST', body })
  expect(await paused.json()).toMatchObject({ kind: 'source', stopped: 1 })
  await reach(id, 'pending')
  expect(await job(id)).toMatchObject({ failures: 0, waits_for: 'The source "manual" is paused: By hand.' })
  await signalbox.api('/api/pauses?kind=source&name=manual', { method: 'DELETE' })
  await reach(id, 'running')
  await signalbox.api('/api/jobs/cancel', { method: 'POST', body: { type: 'running' } })
  await reach(id, 'cancelled')
})
