// Pauses of everything and of sources: what is held by them, in the rows that workers claim.
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { until } from '../../test/until.ts'
import type { Database } from '../db/database.ts'
import { DELIVERIES } from '../deliveries/delivery.ts'
import { JOBS } from '../jobs/job.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { queueOn } from '../queue/queue.ts'
import type { QueueTable } from '../queue/table.ts'
import { holdRows, keepHeld } from './held.ts'
import { listPaused } from './list.ts'
import { EVERYTHING, endRunning, pause, resume } from './pauses.ts'

const GITHUB = { kind: 'source', name: 'github' } as const
const LEASE_MS = 30_000

let database: Database
const clock = fakeClock()
const endpoint = newId()
beforeAll(async () => {
  database = await openTestDatabase()
  await database.query(
    `insert into signalbox.endpoints (id, name, url, secrets, events, origin, concurrency) values ($1, 'e', 'http://e', '[]', '{*}', 'api', 100)`,
    [endpoint],
  )
})
afterAll(() => database?.close())
beforeEach(() =>
  database.query('truncate signalbox.jobs, signalbox.deliveries, signalbox.pauses, signalbox.past_pauses cascade'),
)

/** A row of an event of the source, due `at` ms from now; who inserts it knows of no pauses. */
async function add(table: QueueTable, source: string, at = 0): Promise<string> {
  const id = newId()
  const due = new Date(clock.now().getTime() + at)
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, $2, $3, 't', 'routed')`,
    [id, source, id],
  )
  if (table === JOBS) {
    await database.query(
      `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, available_at)
       values ($1, $1, $2, 't', 'a', '{}', 5, 5, 60000, $3)`,
      [id, `rule-of-${source}`, due],
    )
  } else {
    await database.query(
      `insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, available_at) values ($1, $1, $2, 5, $3)`,
      [id, endpoint, due],
    )
  }
  return id
}

describe.each([
  { name: 'jobs', table: JOBS as QueueTable },
  { name: 'deliveries', table: DELIVERIES as QueueTable },
])('paused $name', ({ table }) => {
  const queue = queueOn({ table, clock })
  const owner = newId()
  const claim = async (limit = 16) => {
    const rows = await queue.claim(database, { owner, limit, leaseMs: LEASE_MS })
    return rows.map(({ id }) => id)
  }
  const settle = (id: string, outcome: Parameters<typeof queue.settle>[1]['endings'][number]['outcome']) =>
    queue.settle(database, { owner, endings: [{ id, attempt: 1, outcome, detail: null }] })

  it('of a source are not begun until it is resumed, then in their order; those of others are', async () => {
    const second = await add(table, 'github', -1000)
    const first = await add(table, 'github', -2000)
    const other = await add(table, 'agenta', -500)
    await pause(database, clock, GITHUB)
    const third = await add(table, 'github', -100)
    expect(await claim()).toEqual([other])
    expect((await queue.nextDue(database)).claimMs).toBeNull()
    await resume(database, GITHUB)
    expect(await claim(1)).toEqual([first])
    expect(await claim(1)).toEqual([second])
    expect(await claim(1)).toEqual([third])
  })

  it('of everything are not begun on any node, and nothing is due, until it is resumed', async () => {
    const [first, second] = [await add(table, 'github', -2000), await add(table, 'agenta', -1000)]
    await pause(database, clock, EVERYTHING)
    const third = await add(table, 'github')
    expect(await claim()).toEqual([])
    expect((await queue.nextDue(database)).claimMs).toBeNull()
    await resume(database, EVERYTHING)
    expect((await queue.nextDue(database)).claimMs).toBeLessThanOrEqual(0)
    expect(new Set(await claim())).toEqual(new Set([first, second, third]))
  })

  it('stay held by the one pause when the other ends', async () => {
    const id = await add(table, 'github')
    await pause(database, clock, EVERYTHING)
    await pause(database, clock, GITHUB)
    await resume(database, EVERYTHING)
    expect(await claim()).toEqual([])
    await pause(database, clock, EVERYTHING)
    await resume(database, GITHUB)
    expect(await claim()).toEqual([])
    await resume(database, EVERYTHING)
    expect(await claim()).toEqual([id])
  })

  it('that run go on, and are not begun again', async () => {
    const id = await add(table, 'github')
    await claim()
    await pause(database, clock, GITHUB)
    await settle(id, { kind: 'retried', error: 'once more', delayMs: 0 })
    expect(await claim()).toEqual([])
    await resume(database, GITHUB)
    expect(await claim()).toEqual([id])
  })

  it('that had failed, and are asked for again, wait with the others', async () => {
    const id = await add(table, 'github')
    await claim()
    await settle(id, { kind: 'failed', error: 'no' })
    await pause(database, clock, GITHUB)
    await database.query(
      `update ${table.rows} set status = 'pending', finished_at = null, available_at = $2 where id = $1`,
      [id, clock.now()],
    )
    expect(await claim()).toEqual([])
    await resume(database, GITHUB)
    expect(await claim()).toEqual([id])
  })

  it('wait for the claim that is under way, and no claim after it begins anything', async () => {
    const id = await add(table, 'github')
    let isPaused = false
    let paused: Promise<void> | undefined
    await database.transaction(async (tx) => {
      expect(await queue.claim(tx, { owner, limit: 16, leaseMs: LEASE_MS })).toHaveLength(1)
      paused = pause(database, clock, EVERYTHING).then(() => {
        isPaused = true
      })
      const isWaiting = async () =>
        (await database.query(`select from pg_locks where locktype = 'advisory' and not granted`)).rows.length > 0
      await until('the pause waits', isWaiting)
      expect(isPaused).toBe(false)
    })
    await paused
    await settle(id, { kind: 'released', error: 'stopped' })
    expect(await claim()).toEqual([])
  })

  it('are all begun once, and none while it is paused, whoever pauses, resumes and claims at once', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => add(table, n % 2 ? 'github' : 'agenta', -n)))
    const begun: string[] = []
    const claiming = Array.from({ length: 3 }, async () => {
      for (let n = 0; n < 10; n++) begun.push(...(await claim(1)))
    })
    const pausing = Array.from({ length: 3 }, async (_, n) => {
      for (let round = 0; round < 4; round++) {
        await (round % 2 ? resume(database, GITHUB) : pause(database, clock, GITHUB, { reason: `by ${n}` }))
      }
    })
    await Promise.all([...claiming, ...pausing])
    await resume(database, GITHUB)
    for (let found = await claim(); found.length > 0; found = await claim()) begun.push(...found)
    expect(begun.toSorted()).toEqual(ids.toSorted())
    const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${table.rows} where held`)
    expect(rows).toEqual([{ n: 0 }])
  })

  it('that a process left marked, or unmarked, when it died are put right', async () => {
    const id = await add(table, 'github')
    await database.query(`insert into signalbox.pauses (kind, name, reason) values ('source', 'github', 'x')`)
    await holdRows(database)
    expect(await claim()).toEqual([])
    await database.query('delete from signalbox.pauses')
    await holdRows(database)
    expect(await claim()).toEqual([id])
  })

  it('that a process left so are put right by others that run on', async () => {
    const id = await add(table, 'github')
    await database.query(`update ${table.rows} set held = true`)
    const keeping = keepHeld(database, { log: silentLog, everyMs: 10 })
    await until('it is released', async () => (await claim()).includes(id))
    await keeping.close()
  })
})

test('a pause keeps since when it is, and gets the new reason in one line', async () => {
  await pause(database, clock, GITHUB, { reason: 'a flood\nof pushes', by: 'ada' })
  const [first] = await listPaused(database)
  expect(first).toMatchObject({ ...GITHUB, reason: 'a flood of pushes', paused_by: 'ada' })
  clock.advance(60_000)
  await pause(database, clock, GITHUB)
  expect(await listPaused(database)).toEqual([first])
  await pause(database, clock, GITHUB, { reason: 'still' })
  expect(await listPaused(database)).toEqual([{ ...first, reason: 'still' }])
})

test.each([
  ['stop', 'pending'],
  ['cancel', 'cancelled'],
] as const)('running jobs of what is paused are ended by %s, and become %s', async (how, status) => {
  const mine = await add(JOBS, 'github')
  const other = await add(JOBS, 'agenta')
  const owner = newId()
  const queue = queueOn({ table: JOBS, clock })
  await queue.claim(database, { owner, limit: 2, leaseMs: LEASE_MS })
  await pause(database, clock, GITHUB)
  expect(await endRunning(database, GITHUB, how)).toBe(1)
  expect(await endRunning(database, GITHUB, how)).toBe(0)
  const endings = [mine, other].map((id) => ({
    id,
    attempt: 1,
    outcome: { kind: 'completed' } as const,
    detail: null,
  }))
  const settled = await queue.settle(database, { owner, endings })
  expect(settled.map(({ id, status }) => [id, status]).sort()).toEqual(
    [
      [mine, status],
      [other, 'completed'],
    ].sort(),
  )
})

test('a pause that is over is known with its reason, by whom, and until when, however it ended', async () => {
  await pause(database, clock, GITHUB, { reason: 'a flood', by: 'ada' })
  await resume(database, GITHUB)
  await database.query(`insert into signalbox.pauses (kind, name, reason, since) values ('everything', '', 'x', now())`)
  await database.query('delete from signalbox.pauses')
  await database.query(`insert into signalbox.rule_states (rule, paused_at, reason) values ('r', now(), 'y')`)
  await database.query('update signalbox.rule_states set paused_at = null, reason = null')
  await database.query(`update signalbox.endpoints set status = 'paused'`)
  await database.query(`update signalbox.endpoints set status = 'active'`)
  expect(await listPaused(database)).toEqual([])
  const past = await listPaused(database, { since: '2000-01-01T00:00:00Z' })
  const until = expect.stringMatching(/Z$/)
  expect(past).toMatchObject([
    { kind: 'endpoint', name: 'e', id: endpoint, reason: 'By hand.', until, effect: 'held' },
    { kind: 'rule', name: 'r', reason: 'y', until, effect: 'not made' },
    { kind: 'everything', name: null, reason: 'x', until, effect: 'held' },
    { ...GITHUB, reason: 'a flood', paused_by: 'ada', until, effect: 'held' },
  ])
  expect(await listPaused(database, { since: '2999-01-01T00:00:00Z' })).toEqual([])
  await database.query(
    `insert into signalbox.endpoints (id, name, url, secrets, events, origin, status, status_reason)
     values (gen_random_uuid(), 'gone', 'http://e', '[]', '{none}', 'api', 'paused', 'moved')`,
  )
  await database.query(`delete from signalbox.endpoints where name = 'gone'`)
  expect(await listPaused(database, { since: '2000-01-01T00:00:00Z' })).toContainEqual(
    expect.objectContaining({ kind: 'endpoint', name: 'gone', reason: 'moved', until }),
  )
})
