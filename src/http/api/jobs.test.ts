import { OpenAPIHono } from '@hono/zod-openapi'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox } from '../../../test/signalbox.ts'
import type { JobLogPage, JobSummary } from '../../jobs/wire.ts'
import { systemClock } from '../../lib/clock.ts'
import { newId } from '../../lib/id.ts'
import { silentLog } from '../../lib/log.ts'
import type { Api } from './answer.ts'
import { openLogStreams } from './job-log-stream.ts'
import { addJobRoutes } from './jobs.ts'

let signalbox: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
})
afterAll(() => signalbox.close())

async function trigger(): Promise<{ id: string; event: string }> {
  const response = await signalbox.api('/webhook/manual', { method: 'POST' })
  const { jobs, event_id: event } = (await response.json()) as { jobs: [string]; event_id: string }
  return { id: jobs[0], event }
}
async function list(query: string): Promise<JobSummary[]> {
  return (await api.get(`/jobs?${query}`)).body.items as JobSummary[]
}

test('a job is listed by its event, type, agent and status', async () => {
  const { id, event } = await trigger()
  for (const query of [`event_id=${event}`, 'type=ping', 'agent=ping', 'status=pending', `status=pending&type=ping`]) {
    expect([query, (await list(query)).map((job) => job.id).includes(id)]).toEqual([query, true])
  }
  for (const query of [`event_id=${newId()}`, 'type=PING', 'agent=none', 'status=running']) {
    expect([query, await list(query)]).toEqual([query, []])
  }
})

test('a new job is shown with nothing done yet', async () => {
  const { id, event } = await trigger()
  expect((await api.get(`/jobs/${id}`)).body).toMatchObject({
    id,
    event_id: event,
    job_type: 'ping',
    assigned_agent: 'ping',
    rule: 'manual',
    status: 'pending',
    attempt: 0,
    started_at: null,
    completed_at: null,
    result: null,
    attempts: [],
    steps: [],
    outputs: [],
    log: [],
  })
})

test('a job that was put off or lost shows how many of its attempts failed, were lost and were put off', async () => {
  const { id } = await trigger()
  await signalbox.database.query(
    'update signalbox.jobs set attempt = 7, failures = 1, losses = 2, deferrals = 4 where id = $1',
    [id],
  )
  expect((await api.get(`/jobs/${id}`)).body).toMatchObject({
    attempt: 7,
    failures: 1,
    losses: 2,
    deferrals: 4,
    max_attempts: 5,
  })
})

describe('a change by hand', () => {
  test('cancels a job once, and runs it again', async () => {
    const { id } = await trigger()
    expect((await api.post(`/jobs/${id}/cancel`)).body).toMatchObject({
      status: 'cancelled',
      error: 'Cancelled by hand.',
    })
    expect(await api.post(`/jobs/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringContaining('The job is cancelled') },
    })
    expect((await api.post(`/jobs/${id}/retry`)).body).toMatchObject({ status: 'pending', completed_at: null })
    expect(await api.post(`/jobs/${id}/retry`)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('The job is pending') },
    })
  })

  test('notifies the workers: a cancelled job leaves its group, and a repeated one is due', async () => {
    const { id } = await trigger()
    const onWork = vi.fn()
    const routes: Api = new OpenAPIHono()
    const { database } = signalbox
    const logStreams = openLogStreams({ looking: database, log: silentLog })
    addJobRoutes(routes, { database, looking: database, clock: systemClock, logStreams, onWork })
    for (const [verb, times] of [
      ['cancel', 1],
      ['retry', 2],
    ] as const) {
      await routes.request(`/jobs/${id}/${verb}`, { method: 'POST' })
      expect([verb, onWork.mock.calls.length]).toEqual([verb, times])
    }
  })

  test.each(['cancel', 'retry'])('to %s a job that there is not is refused', async (verb) => {
    for (const id of ['none', newId()]) expect((await api.post(`/jobs/${id}/${verb}`)).status).toBe(404)
  })
})

describe('the log of a job', () => {
  async function logOf(lines: number): Promise<string> {
    const { id } = await trigger()
    await signalbox.database.query(
      `insert into signalbox.job_log (job_id, attempt, stream, line)
       select $1, 1, 'stdout', 'line ' || n from generate_series(1, $2::int) n`,
      [id, lines],
    )
    return id
  }
  const page = async (id: string, query = '') => (await api.get(`/jobs/${id}/log${query}`)).body as JobLogPage

  test('is whole, oldest line first, and the last page says so', async () => {
    const id = await logOf(3)
    const { items, next } = await page(id)
    expect(items.map(({ line, stream, attempt }) => ({ line, stream, attempt }))).toEqual(
      [1, 2, 3].map((n) => ({ line: `line ${n}`, stream: 'stdout', attempt: 1 })),
    )
    expect(next).toBe(null)
    expect(await page(id, `?after=${items.at(-1)?.id}`)).toEqual({ items: [], next: null })
  })

  test('of more than 1,000 lines comes in pages', async () => {
    const id = await logOf(2001)
    const seen: string[] = []
    for (let after: number | null = 0; after !== null; ) {
      const { items, next }: JobLogPage = await page(id, `?after=${after}`)
      expect(items.length).toBeLessThanOrEqual(1000)
      seen.push(...items.map(({ line }) => line))
      after = next
    }
    expect(seen).toEqual(Array.from({ length: 2001 }, (_, n) => `line ${n + 1}`))
    expect((await api.get(`/jobs/${id}`)).body.log).toHaveLength(500)
  })

  test('shows the lines of this job only', async () => {
    const [one, other] = [await logOf(1), await logOf(2)]
    expect((await page(one)).items).toHaveLength(1)
    expect((await page(other, '?limit=1')).items).toHaveLength(1)
  })

  test('of no job is not found, and a wrong place in it is named', async () => {
    for (const id of ['none', newId()]) expect((await api.get(`/jobs/${id}/log`)).status).toBe(404)
    const { id } = await trigger()
    for (const query of ['after=-1', 'after=x', 'after=1.5', 'limit=0', 'limit=1001', 'from=1']) {
      const { status, body } = await api.get(`/jobs/${id}/log?${query}`)
      expect({ status, detail: body.detail }).toEqual({
        status: 422,
        detail: expect.stringContaining(query.split('=')[0] ?? ''),
      })
    }
  })
})
