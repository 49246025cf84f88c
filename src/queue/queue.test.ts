// The contract of claimable rows, the same for jobs and deliveries.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { fakeClock, systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { claim, nextDue } from './claim.ts'
import { cancel, lapseAll, recover, renew, settle } from './settle.ts'
import type { Claimed, Outcome, QueueTable, Try } from './table.ts'
import { DELIVERIES, JOBS } from './table.ts'
import type { Worker, WorkerOptions } from './worker.ts'
import { LeaseLost, openWorker } from './worker.ts'

type NewRow = { group?: string; priority?: number; at?: Date; maxAttempts?: number }
type Row = { status: string; attempt: number; owner: string | null; error: string | null; available_at: Date }

const LEASE_MS = 30_000
/** For what must happen soon, on however slow a machine. */
const PATIENT = { timeout: 10_000, interval: 20 }
const completed: Outcome = { kind: 'completed' }

let database: Database
let endpoint: string
let clock: ReturnType<typeof fakeClock>
let workers: Worker[]
let children: ChildProcess[]

beforeAll(async () => {
  database = await openTestDatabase()
  endpoint = newId()
  await database.query(
    `insert into signalbox.endpoints (id, name, url, secrets, events, origin) values ($1, 'e', 'http://e', '{s}', '{*}', 'api')`,
    [endpoint],
  )
  await database.query('create table public.spans (id uuid, grp text, started timestamptz, ended timestamptz)')
})
afterAll(() => database?.close())

beforeEach(async () => {
  await database.query('truncate signalbox.jobs, signalbox.deliveries, public.spans cascade')
  clock = fakeClock()
  workers = []
  children = []
})
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.drain({ limitMs: 0 })))
  for (const child of children.filter((one) => one.exitCode === null && one.signalCode === null)) {
    child.stdin?.end()
    await once(child, 'exit')
  }
})

/**
 * Adds rows, all due at the clock's time unless said otherwise, in the order given; gives their
 * ids.
 */
async function add(table: QueueTable, rows: NewRow[]): Promise<string[]> {
  const ids = rows.map(() => newId())
  const values = [
    ids,
    rows.map((row) => row.group ?? null),
    rows.map((row) => row.priority ?? 5),
    rows.map((row) => row.at ?? clock.now()),
    rows.map((row) => row.maxAttempts ?? 5),
  ]
  const from = 'from unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[], $5::int[]) as r (id, grp, p, at, m)'
  if (table === JOBS) {
    await database.query(
      `insert into signalbox.jobs (id, rule, type, agent, group_key, priority, available_at, max_attempts)
       select id, 'r', 't', 'a', grp, p, at, m ${from}`,
      values,
    )
    return ids
  }
  await database.query(
    `with e as (insert into signalbox.events (id, source, delivery_id, type, status)
       select id, 's', id::text, 't', 'routed' from unnest($1::uuid[]) as id)
     insert into signalbox.deliveries (id, event_id, endpoint_id, group_key, priority, available_at, max_attempts)
     select id, id, $6::uuid, grp, p, at, m ${from}`,
    [...values, endpoint],
  )
  return ids
}

async function rowOf(table: QueueTable, id: string): Promise<Row> {
  return (await database.query<Row>(`select * from ${table.rows} where id = $1`, [id])).rows[0]!
}

async function attemptsOf(table: QueueTable, id: string): Promise<(string | null)[]> {
  return (
    await database.query<{ outcome: string | null }>(
      `select outcome from ${table.attempts} where ${table.attemptsKey} = $1 order by attempt`,
      [id],
    )
  ).rows.map((row) => row.outcome)
}

function settleOne(table: QueueTable, owner: string, one: Try, outcome: Outcome) {
  return settle(database, table, clock, { owner, ended: [{ id: one.id, attempt: one.attempt, outcome }] })
}

describe.each([
  { name: 'jobs', table: JOBS },
  { name: 'deliveries', table: DELIVERIES },
])('claimable $name', ({ name, table }) => {
  const me = newId()
  const take = (limit = 16, owner = me): Promise<Claimed[]> =>
    claim(database, table, clock, { owner, limit, leaseMs: LEASE_MS })
  const open = (options: Partial<WorkerOptions<object>> & Pick<WorkerOptions<object>, 'handle'>): Worker => {
    const worker = openWorker({
      database,
      clock,
      log: silentLog,
      table,
      slots: 16,
      leaseMs: LEASE_MS,
      tickMs: 60_000,
      ...options,
    })
    workers.push(worker)
    return worker
  }
  const startProcess = (mode: 'work' | 'hang', leaseMs: number): ChildProcess => {
    const script = fileURLToPath(new URL('fixtures/worker.ts', import.meta.url))
    const args = ['--conditions=signalbox-source', script, database.url, name, mode, String(leaseMs)]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }

  it('gives higher priorities first, then the ones due for longest', async () => {
    const at = (ms: number) => new Date(clock.now().getTime() - ms)
    const [low, old, young, high] = await add(table, [
      { priority: 1, at: at(9000) },
      { priority: 5, at: at(2000) },
      { priority: 5, at: at(1000) },
      { priority: 10, at: at(1) },
    ])
    const order: string[] = []
    for (let i = 0; i < 4; i++) order.push(...(await take(1)).map((row) => row.id))
    expect(order).toEqual([high, old, young, low])
    expect(await take()).toEqual([])
  })

  it('opens one attempt per claim and leases the row', async () => {
    const [id = ''] = await add(table, [{}])
    const [claimed] = await take()
    expect(claimed).toMatchObject({ id, attempt: 1, max_attempts: 5 })
    expect(await rowOf(table, id)).toMatchObject({ status: 'running', owner: me, attempt: 1 })
    expect((await rowOf(table, id)).available_at.getTime()).toBe(clock.now().getTime() + LEASE_MS)
    expect(await attemptsOf(table, id)).toEqual([null])
    expect(await nextDue(database, table, clock)).toEqual({ claimMs: null, lapseMs: LEASE_MS })
  })

  it('starts a delayed row on time, not a moment before', async () => {
    await add(table, [{ at: new Date(clock.now().getTime() + 5000) }])
    const handle = vi.fn(async () => completed)
    const worker = open({ handle })
    expect((await nextDue(database, table, clock)).claimMs).toBe(5000)
    clock.advance(4999)
    expect(await worker.tick()).toBe(0)
    clock.advance(1)
    expect(await worker.tick()).toBe(1)
    expect(handle).toHaveBeenCalledOnce()
  })

  it('wakes by itself when a delayed row is due', async () => {
    const due = Date.now() + 200
    const startedAt = Promise.withResolvers<number>()
    await add(table, [{ at: new Date(due) }])
    open({
      clock: systemClock,
      handle: async () => {
        startedAt.resolve(Date.now())
        return completed
      },
    }).start()
    // The database rounds to the millisecond where this process does not.
    expect(await startedAt.promise).toBeGreaterThanOrEqual(due - 2)
  })

  it('takes one row of a group at a time, its oldest first', async () => {
    const [first, second] = await add(table, [{ group: 'g' }, { group: 'g' }])
    const [a] = await take()
    expect(a?.id).toBe(first)
    expect(await take()).toEqual([])
    expect((await nextDue(database, table, clock)).claimMs).toBeNull()
    await settleOne(table, me, a!, completed)
    expect((await take()).map((row) => row.id)).toEqual([second])
  })

  it('does not let a blocked group, however long, starve the rows behind it', async () => {
    await add(
      table,
      Array.from({ length: 500 }, () => ({ group: 'hot', priority: 10 })),
    )
    const others = await add(table, [{ group: 'a' }, { group: 'b' }, {}])
    expect(await take(16)).toHaveLength(1)
    expect(new Set((await take(16)).map((row) => row.id))).toEqual(new Set(others))
  })

  it('does not overtake within a group while another worker is just taking its head', async () => {
    const [head, , free] = await add(table, [{ group: 'g' }, { group: 'g' }, {}])
    await database.transaction(async (tx) => {
      const [a] = await claim(tx, table, clock, { owner: newId(), limit: 1, leaseMs: LEASE_MS })
      expect(a?.id).toBe(head)
      expect((await take()).map((row) => row.id)).toEqual([free])
    })
  })

  it('loses the race for a group without losing the rest of its claim', async () => {
    const [inGroup, free] = await add(table, [{ group: 'g' }, {}])
    const [rival = ''] = await add(table, [{ at: new Date('2100-01-01') }])
    let taking: Promise<Claimed[]> | undefined
    await database.transaction(async (tx) => {
      await tx.query(`update ${table.rows} set status = 'running', group_key = 'g' where id = $1`, [rival])
      taking = take()
      // Not through the transaction, which would see the same for ever.
      await vi.waitFor(async () => {
        const { rows } = await database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        expect(rows).toHaveLength(1)
      }, PATIENT)
    })
    expect((await taking)?.map((row) => row.id)).toEqual([free])
    expect((await rowOf(table, inGroup!)).status).toBe('pending')
  })

  it('retries after the delay asked for, and fails when no attempt is left', async () => {
    const [id = ''] = await add(table, [{ maxAttempts: 2 }])
    const [first] = await take()
    await settleOne(table, me, first!, { kind: 'retried', error: 'busy', delayMs: 4000 })
    expect(await rowOf(table, id)).toMatchObject({ status: 'pending', error: 'busy', owner: null })
    clock.advance(3999)
    expect(await take()).toEqual([])
    clock.advance(1)
    const [second] = await take()
    expect(second?.attempt).toBe(2)
    const settled = await settleOne(table, me, second!, { kind: 'retried', error: 'still busy', delayMs: 4000 })
    expect(settled).toMatchObject([{ id, status: 'failed', error: 'still busy' }])
    expect(await attemptsOf(table, id)).toEqual(['retried', 'failed'])
  })

  it('stores any text of an error', async () => {
    const [id = ''] = await add(table, [{}])
    const [one] = await take()
    await settleOne(table, me, one!, { kind: 'failed', error: `a\u0000b${'x'.repeat(20_000)}` })
    expect((await rowOf(table, id)).error).toMatch(/^abx{9998}$/)
  })

  it('counts the attempts of lost workers, and fails a row that loses every one', async () => {
    const [id = ''] = await add(table, [{ maxAttempts: 2, group: 'g' }])
    await take()
    clock.advance(LEASE_MS - 1)
    expect(await recover(database, table, clock)).toEqual([])
    clock.advance(1)
    expect(await recover(database, table, clock)).toMatchObject([{ id, status: 'pending' }])
    await take()
    clock.advance(LEASE_MS)
    expect(await recover(database, table, clock)).toMatchObject([{ id, status: 'failed', attempt: 2 }])
    expect((await rowOf(table, id)).error).toBe('The worker was lost during attempt 2 of 2.')
    expect(await attemptsOf(table, id)).toEqual(['lost', 'lost'])
  })

  it('takes over at once what is running when nobody else can be alive, and lets delayed rows wait', async () => {
    const [id = ''] = await add(table, [{}, { at: new Date(clock.now().getTime() + 60_000) }])
    await take()
    await lapseAll(database, table, clock)
    const worker = open({ handle: async () => completed })
    expect(await worker.tick()).toBe(1)
    expect(await attemptsOf(table, id)).toEqual(['lost', 'completed'])
    expect((await nextDue(database, table, clock)).claimMs).toBe(60_000)
  })

  it('can be called off from within, or put off without using up an attempt, and says so', async () => {
    const [off = '', later = ''] = await add(table, [{ maxAttempts: 1 }, { maxAttempts: 1 }])
    const ends: string[] = []
    const worker = open({
      handle: async ({ id, attempt }) => {
        if (id === off) return { kind: 'cancelled', error: 'not needed' }
        return attempt === 1 ? { kind: 'deferred', error: 'come back', delayMs: 5000 } : completed
      },
      onSettled: async (_, settled) => void ends.push(...settled.map(({ status }) => status)),
    })
    await worker.tick()
    expect(await rowOf(table, off)).toMatchObject({ status: table.cancelled, error: 'not needed', owner: null })
    expect(await attemptsOf(table, off)).toEqual(['cancelled'])
    expect(await rowOf(table, later)).toMatchObject({ status: 'pending', error: 'come back', owner: null })
    expect((await nextDue(database, table, clock)).claimMs).toBe(5000)
    clock.advance(5000)
    await worker.tick()
    expect(await attemptsOf(table, later)).toEqual(['retried', 'completed'])
    expect(ends.sort()).toEqual([table.cancelled, 'pending', table.succeeded].sort())
  })

  it('keeps a row as long as its lease is renewed', async () => {
    await add(table, [{}])
    const tries = await take()
    clock.advance(LEASE_MS - 1)
    expect(await renew(database, table, clock, { owner: me, tries, leaseMs: LEASE_MS })).toHaveLength(1)
    clock.advance(LEASE_MS - 1)
    expect(await recover(database, table, clock)).toEqual([])
  })

  it('lets a fenced worker change nothing, and tells it so', async () => {
    const [id = ''] = await add(table, [{}])
    const [mine] = await take()
    clock.advance(LEASE_MS)
    await recover(database, table, clock)
    // The same owner again: a process that stalled may take over its own row.
    const [theirs] = await take()
    const before = await rowOf(table, id)
    for (const outcome of [completed, { kind: 'failed', error: 'x' }, { kind: 'released', error: 'x' }] as Outcome[]) {
      expect(await settleOne(table, me, mine!, outcome)).toEqual([])
      expect(await settleOne(table, newId(), theirs!, outcome)).toEqual([])
    }
    expect(await renew(database, table, clock, { owner: me, tries: [mine!], leaseMs: LEASE_MS })).toEqual([])
    expect(await rowOf(table, id)).toEqual(before)
    expect(await attemptsOf(table, id)).toEqual(['lost', null])
    expect(await settleOne(table, me, theirs!, completed)).toHaveLength(1)
  })

  it('can be called off, waiting or running, once', async () => {
    const [waiting = '', running = ''] = await add(table, [{ at: new Date('2100-01-01') }, {}])
    const [one] = await take()
    for (const id of [waiting, running]) {
      expect(await cancel(database, table, clock, { id, reason: 'not wanted' })).toBe(true)
      expect(await cancel(database, table, clock, { id, reason: 'again' })).toBe(false)
      expect(await rowOf(table, id)).toMatchObject({ status: table.cancelled, error: 'not wanted', owner: null })
    }
    expect(await settleOne(table, me, one!, completed)).toEqual([])
    expect(await attemptsOf(table, running)).toEqual(['cancelled'])
  })

  it('aborts work on a row that was ended by hand at the next renewal, and keeps the hand’s word', async () => {
    const [id = ''] = await add(table, [{}])
    const started = Promise.withResolvers<void>()
    const worker = open({
      handle: (_, signal) => {
        started.resolve()
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    })
    const tick = worker.tick()
    await started.promise
    const rows = table === JOBS ? 'agent_jobs' : 'signalbox.deliveries'
    await database.query(`UPDATE ${rows} SET status = 'failed', error = 'Job timeout' WHERE status = 'running'`)
    await worker.renew()
    await tick
    expect(await rowOf(table, id)).toMatchObject({ status: 'failed', error: 'Job timeout' })
    expect(await attemptsOf(table, id)).toEqual(['cancelled'])
    expect(worker.running()).toBe(0)
  })

  it('closes the attempt of a worker whose row was reset by hand, and lets the next one do the work', async () => {
    const [id = ''] = await add(table, [{}])
    const [mine] = await take()
    await database.query(`update ${table.rows} set status = 'pending', available_at = $2 where id = $1`, [
      id,
      clock.now(),
    ])
    const [next] = await take(1, newId())
    expect(await settleOne(table, me, mine!, completed)).toEqual([])
    expect(await settleOne(table, next!.owner, next!, completed)).toHaveLength(1)
    expect(await attemptsOf(table, id)).toEqual(['cancelled', 'completed'])
  })

  it('aborts with LeaseLost when a row was taken over', async () => {
    await add(table, [{}])
    const reasons: unknown[] = []
    const started = Promise.withResolvers<void>()
    const worker = open({
      handle: async (_, signal) => {
        started.resolve()
        await once(signal, 'abort')
        reasons.push(signal.reason)
        return completed
      },
    })
    const tick = worker.tick()
    await started.promise
    clock.advance(LEASE_MS)
    await recover(database, table, clock)
    await worker.renew()
    await tick
    expect(reasons[0]).toBeInstanceOf(LeaseLost)
  })

  it('on a drain waits for what ends in time and gives the rest back without using up an attempt', async () => {
    const [quick = '', slow = ''] = await add(table, [{ maxAttempts: 1 }, { maxAttempts: 1 }, {}])
    const finish = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const worker = open({
      slots: 2,
      handle: async ({ id }, signal) => {
        if (id === slow) started.resolve()
        if (id === slow) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        await finish.promise
        return completed
      },
    })
    worker.start()
    await started.promise
    finish.resolve()
    await vi.waitFor(async () => expect((await rowOf(table, quick)).status).toBe(table.succeeded), PATIENT)
    await worker.drain({ limitMs: 20 })
    expect(await rowOf(table, slow)).toMatchObject({ status: 'pending', owner: null, attempt: 1, max_attempts: 2 })
    expect(await attemptsOf(table, slow)).toEqual(['retried'])
    expect((await take()).map((row) => row.id)).toContain(slow)
  })

  it('settles with its hook in one transaction, and none of it when the hook fails', async () => {
    const [good = '', bad = ''] = await add(table, [{}, {}])
    const worker = open({
      handle: async () => completed,
      onSettled: async (tx, settled) => {
        if (settled.some((row) => row.id === bad)) throw new Error('no')
        for (const row of settled) await tx.query(`insert into public.spans (id) values ($1)`, [row.id])
      },
    })
    await worker.tick()
    expect((await rowOf(table, good)).status).toBe(table.succeeded)
    expect((await rowOf(table, bad)).status).toBe('running')
    expect((await database.query('select id from public.spans')).rows).toEqual([{ id: good }])
  })

  it('takes over the other lost rows, and goes on with the queue, when the hook fails for one of them', async () => {
    const [bad = '', ...good] = await add(table, [{ maxAttempts: 1 }, { maxAttempts: 1 }, { maxAttempts: 1 }])
    await take()
    clock.advance(LEASE_MS)
    const [due = ''] = await add(table, [{}])
    let broken = true
    const worker = open({
      handle: async () => completed,
      onSettled: async (_, settled) => {
        if (broken && settled.some((row) => row.id === bad)) throw new Error('no')
      },
    })
    await worker.tick()
    for (const id of good) expect((await rowOf(table, id)).status).toBe('failed')
    expect((await rowOf(table, due)).status).toBe(table.succeeded)
    // An end without what follows from it is not an end: it is tried again a lease later.
    expect((await rowOf(table, bad)).status).toBe('running')
    broken = false
    clock.advance(LEASE_MS)
    await worker.tick()
    expect((await rowOf(table, bad)).status).toBe('failed')
    expect(await attemptsOf(table, bad)).toEqual(['lost'])
  })

  it('keeps what its rows came to while the database is away, however long that is', async () => {
    const [id = ''] = await add(table, [{}])
    let isAway = false
    let refused = 0
    const query: Database['query'] = async (text, values) => {
      if (!isAway) return database.query(text, values)
      if (text.includes('closed_by_hand')) refused++
      throw unavailable(new Error('away'))
    }
    const worker = open({
      database: { ...database, query },
      handle: async () => {
        isAway = true
        return completed
      },
    })
    await worker.tick()
    worker.start()
    for (let i = 1; i <= 100; i++) {
      worker.nudge()
      await vi.waitFor(() => expect(refused).toBeGreaterThanOrEqual(i), PATIENT)
    }
    isAway = false
    worker.nudge()
    await vi.waitFor(async () => expect((await rowOf(table, id)).status).toBe(table.succeeded), PATIENT)
    expect(await attemptsOf(table, id)).toEqual(['completed'])
  })

  it('uses up no attempt when the database goes away before its work begins', async () => {
    const [id = ''] = await add(table, [{ maxAttempts: 1 }])
    const worker = open({
      handle: async ({ attempt }) => {
        if (attempt === 1) throw unavailable(new Error('away'))
        return completed
      },
    })
    await worker.tick()
    expect((await rowOf(table, id)).status).toBe('pending')
    clock.advance(2000)
    await worker.tick()
    expect((await rowOf(table, id)).status).toBe(table.succeeded)
  })

  it('gives back at once, with its attempt, a row whose claim was made but not heard of', async () => {
    const [id = ''] = await add(table, [{ maxAttempts: 1 }])
    let answers = false
    const query: Database['query'] = async (text, values) => {
      const answer = await database.query<never>(text, values)
      if (answers || !text.includes('for no key update of job')) return answer
      throw unavailable(new Error('cut off'))
    }
    const worker = open({ database: { ...database, query }, handle: async () => completed })
    await expect(worker.tick()).rejects.toMatchObject({ code: 'database_unavailable' })
    expect((await rowOf(table, id)).status).toBe('running')
    answers = true
    await worker.tick()
    expect((await rowOf(table, id)).status).toBe(table.succeeded)
    expect(await attemptsOf(table, id)).toEqual(['retried', 'completed'])
  })

  it('can be put off more often than a small number holds', async () => {
    const [id = ''] = await add(table, [{}])
    await database.query(`update ${table.rows} set attempt = 32767, max_attempts = 32767 where id = $1`, [id])
    const [one] = await take()
    await settleOne(table, me, one!, { kind: 'deferred', error: 'later', delayMs: 0 })
    expect((await take())[0]?.attempt).toBe(32769)
  })

  it('starts on a nudge, goes on by itself until nothing is left, and then stays quiet', async () => {
    let statements = 0
    const counted: Database = {
      ...database,
      query: (text, values) => {
        statements++
        return database.query(text, values)
      },
    }
    const worker = open({ database: counted, clock: systemClock, slots: 4, handle: async () => completed })
    worker.start()
    await vi.waitFor(() => expect(statements).toBe(1), PATIENT)
    await add(
      table,
      Array.from({ length: 30 }, (_, i) => ({ group: `g${i % 3}`, at: new Date(Date.now() - 1000) })),
    )
    worker.nudge()
    await vi.waitFor(async () => {
      const { rows } = await database.query(`select from ${table.rows} where status <> '${table.succeeded}'`)
      expect(rows).toEqual([])
    }, PATIENT)
    // 3 rows a round: a settlement, a claim and a look at what is next.
    expect(statements).toBeLessThan(50)
  })

  it('never runs two of a group at once: 2 processes of 16 slots, 500 rows, 20 groups', async () => {
    const processes = [startProcess('work', 5000), startProcess('work', 5000)]
    await Promise.all(processes.map((child) => once(child.stdout!, 'data')))
    const now = new Date()
    const ids = await add(
      table,
      Array.from({ length: 500 }, (_, i) => ({ group: `g${i % 20}`, at: now })),
    )
    await vi.waitFor(
      async () => {
        const { rows } = await database.query(`select from ${table.rows} where status <> '${table.succeeded}'`)
        expect(rows).toEqual([])
      },
      { timeout: 15_000, interval: 50 },
    )
    const { rows } = await database.query<{ runs: number; ids: number; overlaps: number; workers: number }>(
      `select count(*)::int as runs, count(distinct id)::int as ids,
         (select count(distinct owner)::int from ${table.attempts} ) as workers,
         (select count(*)::int from public.spans a join public.spans b
           on a.grp = b.grp and a.id < b.id and a.started < b.ended and b.started < a.ended) as overlaps
       from public.spans`,
    )
    expect(rows).toEqual([{ runs: ids.length, ids: ids.length, overlaps: 0, workers: 2 }])
  })

  it('takes over the row of a killed process within its lease', async () => {
    const [id = ''] = await add(table, [{ at: new Date(Date.now() - 1000) }])
    const child = startProcess('hang', 1500)
    await vi.waitFor(async () => expect((await rowOf(table, id)).status).toBe('running'), PATIENT)
    // Its tick is a minute away: it is the end of the lease that wakes it.
    open({ clock: systemClock, handle: async () => completed }).start()
    child.kill('SIGKILL')
    const killedAt = performance.now()
    await vi.waitFor(async () => expect((await rowOf(table, id)).status).toBe(table.succeeded), PATIENT)
    expect(performance.now() - killedAt).toBeLessThan(1500 + 5000)
    expect(await attemptsOf(table, id)).toEqual(['lost', 'completed'])
  })
})
