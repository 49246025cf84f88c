import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { ReadOnlyServer } from '../db/writable.ts'
import { silentLog } from '../lib/log.ts'
import { errorResponse } from './errors.ts'
import type { Examine, Health } from './health.ts'
import { healthRoutes, openHealth } from './health.ts'
import type { Part, Parts } from './health-parts.ts'
import { databaseFailed, examineDatabase } from './health-parts.ts'

const OK: Part = { status: 'ok', problem: null, details: {} }
const WELL = { database: OK, orchestrators: OK, jobs: OK, deliveries: OK, clock: OK }
const BROKEN: Part = { status: 'problem', problem: 'It does not go on.', details: { reason: 'host db.internal' } }
const TOKEN = 'Bearer token'

afterEach(() => {
  vi.useRealTimers()
})

/** A health whose parts are as they are given, on a clock that a test moves. */
function open(found: Partial<Parts> | (() => Promise<typeof WELL>), options: Partial<Examine> = {}) {
  let time = 0
  const { disk = OK, ...rest } = typeof found === 'function' ? {} : found
  const database = typeof found === 'function' ? found : async () => ({ ...WELL, ...rest })
  const health = openHealth({ database, disks: async () => disk, ...options }, () => time)
  const advance = (ms: number) => {
    time += ms
  }
  return { health, advance }
}
async function ask(health: Health, path = '/health', init: RequestInit = {}) {
  const parts = { version: '1.2.3', health, mayKnow: (given: string | undefined) => given === TOKEN }
  const app = healthRoutes(parts).onError((error) => errorResponse(error, silentLog))
  const response = await app.request(path, init)
  const text = await response.text()
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : null }
}

test('a server that works is healthy, in every part', async () => {
  const { status, body } = await ask(open({}).health)
  expect(status).toBe(200)
  const fine = { status: 'ok', problem: null }
  expect(body).toEqual({
    service: 'signalbox',
    status: 'healthy',
    version: '1.2.3',
    database: 'connected',
    parts: { database: fine, orchestrators: fine, jobs: fine, deliveries: fine, disk: fine, clock: fine },
  })
})

test('a server whose database does not answer is unhealthy, and only who has the token reads why', async () => {
  const { health } = open(async () =>
    databaseFailed(unavailable(new Error('password failed for admin at db.internal'))),
  )
  const { status, body, text } = await ask(health)
  expect(status).toBe(503)
  expect(body).toMatchObject({
    status: 'unhealthy',
    database: 'unavailable',
    parts: {
      database: { problem: 'The database does not answer.' },
      jobs: { status: 'unknown' },
      disk: { status: 'ok' },
    },
  })
  expect(text).not.toMatch(/admin|internal/)
  const detailed = await ask(health, '/health', { headers: { authorization: TOKEN } })
  expect(detailed.body.parts.database.details.reason).toBe('password failed for admin at db.internal')
})

test('what keeps no webhook out degrades it, and it is still there', async () => {
  for (const part of ['orchestrators', 'jobs', 'deliveries', 'disk', 'clock'] as const) {
    const { status, body, text } = await ask(open({ [part]: BROKEN }).health)
    expect([status, body.status, body.parts[part]]).toEqual([
      200,
      'degraded',
      { status: 'problem', problem: 'It does not go on.' },
    ])
    expect(text).not.toContain('internal')
  }
})

describe('?part=', () => {
  test.each([
    ['database', { database: BROKEN }, 503],
    ['orchestrators', { orchestrators: BROKEN }, 503],
    ['orchestrators', { jobs: BROKEN }, 200],
    ['jobs', { jobs: BROKEN }, 503],
    ['deliveries', { deliveries: { ...BROKEN, status: 'warning' } }, 200],
    ['disk', { disk: BROKEN }, 503],
    ['clock', { clock: { ...BROKEN, status: 'unknown' } }, 503],
    ['ready', { database: BROKEN }, 503],
    ['ready', { disk: BROKEN }, 503],
    ['ready', { orchestrators: BROKEN, jobs: BROKEN, clock: BROKEN }, 200],
    ['live', { database: BROKEN, disk: BROKEN }, 200],
  ] as [string, Partial<Parts>, number][])('%s, with %j, is %i', async (part, found, expected) => {
    expect((await ask(open(found).health, `/health?part=${part}`)).status).toBe(expected)
  })

  test('of a part shows that part, and an unknown one is refused with those there are', async () => {
    const { body } = await ask(open({ jobs: BROKEN }).health, '/health?part=jobs')
    expect(body.parts).toEqual({ jobs: { status: 'problem', problem: 'It does not go on.' } })
    expect(await ask(open({}).health, '/health?part=heart')).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('live, ready, database') },
    })
  })

  test('live asks nobody', async () => {
    const { health } = open(() => Promise.reject(new Error('asked')))
    expect(await ask(health, '/health?part=live')).toMatchObject({ status: 200, body: { status: 'healthy' } })
  })
})

test('many who ask at once wait for one answer of the database, which counts for a second', async () => {
  let asked = 0
  const release = Promise.withResolvers<void>()
  const { health, advance } = open(async () => {
    asked++
    await release.promise
    return WELL
  })
  const all = Promise.all(Array.from({ length: 50 }, async () => (await ask(health)).status))
  release.resolve()
  expect(new Set(await all)).toEqual(new Set([200]))
  advance(999)
  await ask(health)
  expect(asked).toBe(1)
  advance(1)
  await ask(health)
  expect(asked).toBe(2)
})

test('a database that does not answer is not waited for', async () => {
  vi.useFakeTimers()
  const asking = ask(open(() => new Promise(() => {})).health)
  await vi.advanceTimersByTimeAsync(2_000)
  expect((await asking).status).toBe(503)
})

test('no timer is left behind', async () => {
  vi.useFakeTimers()
  await ask(open({}).health)
  expect(vi.getTimerCount()).toBe(0)
})

test('a database that answers and lets nothing be recorded is no healthy one', async () => {
  const full = unavailable(new Error('No space left on device'))
  const { health } = open({}, { recordingFailure: () => full })
  const { status, body } = await ask(health, '/health?part=ready', { headers: { authorization: TOKEN } })
  expect(status).toBe(503)
  expect(body.parts.database).toEqual({
    status: 'problem',
    problem: 'Nothing can be recorded.',
    details: { reason: 'No space left on device' },
  })
})

test('a disk that does not answer is a problem, and keeps nobody waiting', async () => {
  vi.useFakeTimers()
  const { health } = open({}, { disks: () => new Promise(() => {}) })
  const answer = ask(health)
  await vi.advanceTimersByTimeAsync(5_000)
  const { status, body } = await answer
  expect(status).toBe(200)
  expect(body).toMatchObject({
    status: 'degraded',
    parts: { database: { status: 'ok' }, disk: { status: 'problem', problem: 'A disk does not answer.' } },
  })
})

test('it is only for reading, and the address above it is free', async () => {
  expect((await ask(open({}).health, '/health', { method: 'POST' })).status).toBe(405)
  expect((await ask(open({}).health, '/')).status).toBe(404)
})

test('what begins to be wrong is logged once, and once when it ends', async () => {
  vi.useFakeTimers()
  const found = { jobs: OK, disk: OK }
  const { health, advance } = open(async () => ({ ...WELL, jobs: found.jobs }), { disks: async () => found.disk })
  const lines: unknown[] = []
  const write = (about: object | string, text?: unknown) => void lines.push([about, text])
  const watching = health.watch({ ...silentLog, info: write, warn: write })
  const look = async () => {
    advance(10_000)
    await vi.advanceTimersByTimeAsync(10_000)
  }
  await look()
  expect(lines).toEqual([])
  found.jobs = BROKEN
  for (let n = 0; n < 3; n++) await look()
  found.jobs = OK
  for (let n = 0; n < 3; n++) await look()
  await watching.close()
  expect(lines).toEqual([
    [{ about: { part: 'jobs', reason: 'host db.internal' } }, 'jobs: It does not go on.'],
    [{ about: { part: 'jobs', seconds: 30 } }, 'jobs: well again after 30 s'],
  ])
})

describe('the database says', () => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase()
    return () => database.close()
  })
  const node = (silentSeconds: number, status = 'idle', roles = ['receiver', 'orchestrator']) =>
    database.query(
      `insert into signalbox.nodes (id, host, pid, roles, status, heartbeat_at)
       values (gen_random_uuid(), 'h', 1, $3, $2, now() - $1 * interval '1 s')`,
      [silentSeconds, status, roles],
    )
  const job = (status: string, dueSeconds: number) =>
    database.query(
      `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, available_at)
       values (gen_random_uuid(), 'r', 't', 'a', '{}', 5, 3, 1000, $1, now() - $2 * interval '1 s')`,
      [status, dueSeconds],
    )

  test('whether an orchestrator is alive', async () => {
    const part = async () => (await examineDatabase(database)).orchestrators
    expect(await part()).toMatchObject({ status: 'problem', details: { alive: 0, last_heartbeat_seconds: null } })
    await node(1, 'stopped')
    await node(200)
    expect(await part()).toMatchObject({ status: 'problem', details: { alive: 0, last_heartbeat_seconds: 1 } })
    await node(1, 'idle', ['receiver'])
    expect(await part()).toMatchObject({ status: 'problem' })
    await node(10)
    expect(await part()).toMatchObject({ status: 'ok', details: { alive: 1 } })
  })

  test('nothing of work that is held, or of all that is paused', async () => {
    const part = async () => (await examineDatabase(database)).jobs.status
    await job('pending', 3600)
    await database.query('update signalbox.jobs set held = true')
    expect(await part()).toBe('ok')
    await database.query('update signalbox.jobs set held = false')
    expect(await part()).toBe('problem')
    await database.query(`insert into signalbox.pauses (kind, name, reason) values ('everything', '', 'x')`)
    expect(await part()).toBe('ok')
    await database.query('truncate signalbox.jobs, signalbox.pauses cascade')
  })

  test('whether jobs are begun, and those of dead workers taken over', async () => {
    const part = async () => (await examineDatabase(database)).jobs
    expect(await part()).toEqual({ status: 'ok', problem: null, details: { oldest_due_seconds: 0 } })
    await job('pending', -600)
    await job('pending', 599)
    expect(await part()).toMatchObject({ status: 'ok', details: { oldest_due_seconds: 599 } })
    await job('pending', 700)
    expect(await part()).toMatchObject({ status: 'problem', problem: expect.stringContaining('ten minutes') })
    await database.query('delete from signalbox.jobs')
    await job('running', 90)
    expect(await part()).toMatchObject({ status: 'problem', problem: expect.stringContaining('process that died') })
  })

  test('how late deliveries to active endpoints are, and which endpoints are disabled', async () => {
    const part = async () => (await examineDatabase(database)).deliveries
    const endpoint = async (status: string) => {
      const { rows } = await database.query<{ id: string }>(
        `insert into signalbox.endpoints (id, name, url, secrets, events, status, heals, origin)
         values (gen_random_uuid(), 'e', 'https://x', '[]', '{}', $1, $1 = 'disabled', 'api') returning id`,
        [status],
      )
      return rows[0]?.id
    }
    const delivery = async (to: string | undefined) => {
      const { rows } = await database.query(
        `insert into signalbox.events (id, source, delivery_id, type, status) values (gen_random_uuid(), 's', gen_random_uuid(), 't', 'routed') returning id`,
      )
      return database.query(
        `insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, available_at)
         values (gen_random_uuid(), $1, $2, 3, now() - interval '1 hour')`,
        [rows[0]?.id, to],
      )
    }
    await delivery(await endpoint('paused'))
    expect(await part()).toMatchObject({ status: 'ok', details: { oldest_due_seconds: 0, failing_endpoints: 0 } })
    await endpoint('disabled')
    expect(await part()).toMatchObject({ status: 'warning', details: { failing_endpoints: 1 } })
    await delivery(await endpoint('active'))
    expect(await part()).toMatchObject({ status: 'problem', details: { oldest_due_seconds: 3600 } })
    for (const [leaveAlone, again] of [
      [`update signalbox.deliveries set held = true`, 'update signalbox.deliveries set held = false'],
      [`update signalbox.endpoint_health set state = 'open'`, `update signalbox.endpoint_health set state = 'closed'`],
    ] as const) {
      await database.query(leaveAlone)
      expect(await part()).toMatchObject({ details: { oldest_due_seconds: 0 } })
      await database.query(again)
      expect(await part()).toMatchObject({ details: { oldest_due_seconds: 3600 } })
    }
  })

  test.each([
    [3_600_000, 'problem', 3600],
    [-3_600_000, 'problem', -3600],
    [10_000, 'warning', 10],
    [0, 'ok', 0],
  ])('that a clock %i ms ahead of its own is a %s', async (ms, status, seconds) => {
    const { clock } = await examineDatabase(database, () => Date.now() + ms)
    expect(clock.status).toBe(status)
    expect(clock.details.ahead_seconds).toBeCloseTo(seconds, 0)
  })

  test('that it takes no changes, or lacks its tables', async () => {
    await database.transaction(async (tx) => {
      await tx.query('set transaction read only')
      expect((await examineDatabase(tx)).database).toMatchObject({
        status: 'problem',
        problem: expect.stringContaining('read-only'),
      })
    })
    const { database: standby } = databaseFailed(unavailable(new ReadOnlyServer('a standby')))
    expect(standby).toMatchObject({ problem: expect.stringContaining('standby'), details: { reason: 'a standby' } })
    const empty = await openTestDatabase({ migrated: false })
    expect((await examineDatabase(empty)).database).toMatchObject({ problem: expect.stringContaining('lacks tables') })
    await empty.close()
  })
})
