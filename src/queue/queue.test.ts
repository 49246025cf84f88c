// The contract of claimable rows, the same for jobs and deliveries.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { unavailable } from '../db/connection.ts'
import type { Database, Sql } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import { MAX_LOSSES } from './lease.ts'
import { LeaseLost } from './running.ts'
import type { Claimed, Outcome, Settled } from './table.ts'
import type { Worker, WorkerOptions } from './worker.ts'
import { openWorker } from './worker.ts'

/** For what must happen soon, on however slow a machine. */
const completed: Outcome = { kind: 'completed' }

type Open = Partial<Omit<WorkerOptions<object, unknown>, 'handle' | 'onSettled'>> & {
  handle(claimed: Claimed, signal: AbortSignal): Promise<Outcome>
  onSettled?: (tx: Sql, settled: Settled[]) => Promise<void>
}

describe.each(TABLES)('claimable $name', ({ name, table }) => {
  let rows: Rows
  let database: Database
  let clock: Rows['clock']
  let queue: Rows['queue']
  let workers: Worker[]
  let children: ChildProcess[]

  beforeAll(async () => {
    rows = await openRows(table)
    ;({ database, clock, queue } = rows)
    await database.query('create table public.spans (id uuid, grp text, started timestamptz, ended timestamptz)')
  })
  afterAll(() => rows?.close())
  beforeEach(async () => {
    await rows.clear()
    await database.query('truncate public.spans')
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

  const open = ({ handle, onSettled, ...options }: Open): Worker => {
    const worker = openWorker<object, unknown>({
      database,
      clock,
      log: silentLog,
      table,
      slots: 16,
      leaseMs: LEASE_MS,
      tickMs: 60_000,
      ...options,
      handle: async (claimed, signal) => ({ outcome: await handle(claimed, signal), detail: null }),
      onSettled: onSettled && ((tx, settled) => onSettled(tx, settled).then(() => false)),
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

  it.skipIf(table.partitions)('claims higher priorities first, then the ones due for longest', async () => {
    const at = (ms: number) => new Date(clock.now().getTime() - ms)
    const [low, old, young, high] = await rows.add([
      { priority: 1, at: at(9000) },
      { priority: 5, at: at(2000) },
      { priority: 5, at: at(1000) },
      { priority: 10, at: at(1) },
    ])
    const order: string[] = []
    for (let i = 0; i < 4; i++) order.push(...(await rows.claim(1)).map((row) => row.id))
    expect(order).toEqual([high, old, young, low])
    expect(await rows.claim()).toEqual([])
  })

  it('begins one attempt per claim and leases the row', async () => {
    const [id = ''] = await rows.add([{}])
    const me = newId()
    const [claimed] = await rows.claim(1, me)
    expect(claimed).toMatchObject({ id, attempt: 1, failures: 0, losses: 0, max_attempts: 5 })
    expect(await rows.read(id)).toMatchObject({
      status: 'running',
      owner: me,
      attempt: 1,
      attempt_started_at: clock.now(),
    })
    expect((await rows.read(id)).available_at.getTime()).toBe(clock.now().getTime() + LEASE_MS)
    // Its row is written when it ends.
    expect(await rows.outcomes(id)).toEqual([])
    expect(await queue.nextDue(database)).toMatchObject({ claimMs: null, expiryMs: LEASE_MS })
  })

  it('starts a delayed row on time, not a moment before', async () => {
    await rows.add([{ at: new Date(clock.now().getTime() + 5000) }])
    const handle = vi.fn(async () => completed)
    const worker = open({ handle })
    expect((await queue.nextDue(database)).claimMs).toBe(5000)
    clock.advance(4999)
    expect(await worker.tick()).toBe(0)
    clock.advance(1)
    expect(await worker.tick()).toBe(1)
    expect(handle).toHaveBeenCalledOnce()
  })

  it('wakes by itself when a delayed row is due', async () => {
    const due = Date.now() + 200
    const startedAt = Promise.withResolvers<number>()
    await rows.add([{ at: new Date(due) }])
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
    const [first, second] = await rows.add([{ group: 'g' }, { group: 'g' }])
    const [a] = await rows.claim()
    expect(a?.id).toBe(first)
    expect(await rows.claim()).toEqual([])
    expect((await queue.nextDue(database)).claimMs).toBeNull()
    await rows.settle(a!, completed)
    expect((await rows.claim()).map((row) => row.id)).toEqual([second])
  })

  it('does not let a blocked group, however long, starve the rows after it', async () => {
    const before = new Date(clock.now().getTime() - 1)
    const hot = await rows.add(Array.from({ length: 500 }, () => ({ group: 'hot', at: before })))
    const others = await rows.add([{ group: 'a' }, { group: 'b' }, {}])
    const claimed = [...(await rows.claim(16)), ...(await rows.claim(16))].map((row) => row.id)
    expect(new Set(claimed)).toEqual(new Set([hot[0], ...others]))
  })

  it('does not overtake within a group while another worker is just taking its head', async () => {
    const before = new Date(clock.now().getTime() - 1)
    const [head, , free] = await rows.add([{ group: 'g', at: before }, { group: 'g' }, {}])
    await database.transaction(async (tx) => {
      const [a] = await queue.claim(tx, { owner: newId(), limit: 1, leaseMs: LEASE_MS })
      expect(a?.id).toBe(head)
      expect((await rows.claim()).map((row) => row.id)).toEqual([free])
    })
  })

  it('loses the race for a group without losing the rest of its claim', async () => {
    const [inGroup, free] = await rows.add([{ group: 'g' }, {}])
    const [rival = ''] = await rows.add([{ at: new Date('2100-01-01') }])
    let taking: Promise<Claimed[]> | undefined
    await database.transaction(async (tx) => {
      await tx.query(`update ${table.rows} set status = 'running', group_key = 'g' where id = $1`, [rival])
      taking = rows.claim()
      // Not through the transaction, which would see the same for ever.
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      await expect.poll(async () => (await database.query(waiting)).rows).toHaveLength(1)
    })
    expect((await taking)?.map((row) => row.id)).toEqual([free])
    expect((await rows.read(inGroup!)).status).toBe('pending')
  })

  it('retries after the delay asked for, and fails when no attempt is left', async () => {
    const [id = ''] = await rows.add([{ maxAttempts: 2 }])
    const [first] = await rows.claim()
    await rows.settle(first!, { kind: 'retried', error: 'busy', delayMs: 4000 })
    expect(await rows.read(id)).toMatchObject({ status: 'pending', error: 'busy', owner: null })
    clock.advance(3999)
    expect(await rows.claim()).toEqual([])
    clock.advance(1)
    const [second] = await rows.claim()
    expect(second?.attempt).toBe(2)
    const settled = await rows.settle(second!, { kind: 'retried', error: 'still busy', delayMs: 4000 })
    expect(settled).toMatchObject([{ id, status: 'failed', error: 'still busy' }])
    expect(await rows.outcomes(id)).toEqual(['retried', 'failed'])
  })

  it('stores any text of an error', async () => {
    const [id = ''] = await rows.add([{}])
    const [one] = await rows.claim()
    await rows.settle(one!, { kind: 'failed', error: `a\u0000b${'x'.repeat(20_000)}` })
    expect((await rows.read(id)).error).toMatch(/^a\ufffdbx{9996}…$/)
  })

  it('counts lost workers apart from failures, later and later, and fails a row that loses ten', async () => {
    const [id = ''] = await rows.add([{ maxAttempts: 1, group: 'g' }])
    await rows.claim()
    clock.advance(LEASE_MS - 1)
    expect(await queue.reclaimExpired(database)).toEqual([])
    clock.advance(1)
    expect(await queue.reclaimExpired(database)).toMatchObject([{ row: { id }, status: 'pending', detail: null }])
    const pauses: (number | null)[] = []
    for (let losses = 1; losses < MAX_LOSSES; losses++) {
      expect(await rows.read(id)).toMatchObject({ status: 'pending', failures: 0, losses })
      const { claimMs } = await queue.nextDue(database)
      pauses.push(Math.max(claimMs ?? 0, 0))
      clock.advance(pauses.at(-1) ?? 0)
      expect(await rows.claim()).toHaveLength(1)
      clock.advance(LEASE_MS)
      await queue.reclaimExpired(database)
    }
    expect(pauses).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000])
    expect(await rows.read(id)).toMatchObject({ status: 'failed', failures: 0, losses: MAX_LOSSES })
    expect((await rows.read(id)).error).toBe(`The worker was lost during attempt ${MAX_LOSSES}.`)
    expect(new Set(await rows.outcomes(id))).toEqual(new Set(['lost']))
  })

  it('hands out a reclaimed row as it is, with the worker that was lost', async () => {
    await rows.add([{ group: 'g', maxAttempts: 7 }])
    const [claimed] = await rows.claim()
    clock.advance(LEASE_MS)
    const [lost] = await queue.reclaimExpired(database)
    expect(lost?.row).toMatchObject({
      id: claimed?.id,
      group_key: 'g',
      max_attempts: 7,
      owner: claimed?.owner,
      attempt: 1,
    })
  })

  it('reclaims at once what owners have that are known to be dead, and lets delayed rows wait', async () => {
    const [id = ''] = await rows.add([{}, { at: new Date(clock.now().getTime() + 60_000) }])
    const [claimed] = await rows.claim()
    await queue.expireLeases(database, [newId()])
    expect(await queue.reclaimExpired(database)).toEqual([])
    await queue.expireLeases(database, [claimed!.owner])
    const worker = open({ handle: async () => completed })
    expect(await worker.tick()).toBe(1)
    expect(await rows.outcomes(id)).toEqual(['lost', 'completed'])
    expect((await queue.nextDue(database)).claimMs).toBe(60_000)
  })

  it('can be called off from within, or put off, which is no failure, and says so', async () => {
    const [off = '', later = ''] = await rows.add([{ maxAttempts: 1 }, { maxAttempts: 1 }])
    const ends: string[] = []
    const worker = open({
      handle: async ({ id, attempt }) => {
        if (id === off) return { kind: 'cancelled', error: 'not needed' }
        return attempt === 1 ? { kind: 'deferred', error: 'come back', delayMs: 5000 } : completed
      },
      onSettled: async (_, settled) => void ends.push(...settled.map(({ status }) => status)),
    })
    await worker.tick()
    expect(await rows.read(off)).toMatchObject({ status: table.cancelled, error: 'not needed', owner: null })
    expect(await rows.outcomes(off)).toEqual(['cancelled'])
    expect(await rows.read(later)).toMatchObject({ status: 'pending', error: 'come back', owner: null })
    expect((await queue.nextDue(database)).claimMs).toBe(5000)
    clock.advance(5000)
    await worker.tick()
    expect(await rows.outcomes(later)).toEqual(['retried', 'completed'])
    expect(ends.sort()).toEqual([table.cancelled, 'pending', table.succeeded].sort())
  })

  it('keeps a row as long as its lease is renewed', async () => {
    await rows.add([{}])
    const attempts = await rows.claim()
    const owner = attempts[0]?.owner ?? ''
    clock.advance(LEASE_MS - 1)
    expect(await queue.renew(database, { owner, attempts, leaseMs: LEASE_MS })).toHaveLength(1)
    clock.advance(LEASE_MS - 1)
    expect(await queue.reclaimExpired(database)).toEqual([])
  })

  it('lets a fenced worker change nothing, and says so', async () => {
    const [id = ''] = await rows.add([{}])
    const [mine] = await rows.claim()
    clock.advance(LEASE_MS)
    await queue.reclaimExpired(database)
    // The same owner again: a process that stalled may reclaim its own row.
    const [theirs] = await rows.claim()
    const before = await rows.read(id)
    for (const outcome of [completed, { kind: 'failed', error: 'x' }, { kind: 'released', error: 'x' }] as Outcome[]) {
      expect(await rows.settle(mine!, outcome)).toEqual([])
      expect(await rows.settle({ ...theirs!, owner: newId() }, outcome)).toEqual([])
    }
    const { owner } = mine!
    expect(await queue.renew(database, { owner, attempts: [mine!], leaseMs: LEASE_MS })).toEqual([])
    expect(await rows.read(id)).toEqual(before)
    expect(await rows.outcomes(id)).toEqual(['lost'])
    expect(await rows.settle(theirs!, completed)).toHaveLength(1)
    expect(await rows.outcomes(id)).toEqual(['lost', 'completed'])
  })

  it('can be called off while it waits, once', async () => {
    const [id = ''] = await rows.add([{ at: new Date('2100-01-01') }])
    expect(await queue.cancel(database, { id, reason: 'not wanted' })).toBe(true)
    expect(await queue.cancel(database, { id, reason: 'again' })).toBe(false)
    expect(await rows.read(id)).toMatchObject({ status: table.cancelled, error: 'not wanted', owner: null })
  })

  it('aborts with LeaseLost when a row was reclaimed', async () => {
    await rows.add([{}])
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
    await queue.reclaimExpired(database)
    await worker.renew()
    await tick
    expect(reasons[0]).toBeInstanceOf(LeaseLost)
  })

  it('on a drain waits for what ends in time and releases the rest, which is no failure', async () => {
    const [quick = '', slow = ''] = await rows.add([{ maxAttempts: 1 }, { maxAttempts: 1 }, {}])
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
    await expect.poll(async () => (await rows.read(quick)).status).toBe(table.succeeded)
    await worker.drain({ limitMs: 20 })
    expect(await rows.read(slow)).toMatchObject({ status: 'pending', owner: null, attempt: 1, failures: 0 })
    expect(await rows.outcomes(slow)).toEqual(['retried'])
    expect((await rows.claim()).map((row) => row.id)).toContain(slow)
  })

  it('on a drain notifies others of a group that is free, while other work goes on', async () => {
    const [quick = ''] = await rows.add([{ group: 'a' }, { group: 'b' }])
    const [quickEnd, slowEnd] = [Promise.withResolvers<Outcome>(), Promise.withResolvers<Outcome>()]
    const notify = vi.fn()
    const worker = open({ notify, slots: 2, handle: ({ id }) => (id === quick ? quickEnd : slowEnd).promise })
    worker.start()
    worker.nudge()
    await expect.poll(() => worker.running()).toBe(2)
    const drained = worker.drain()
    quickEnd.resolve(completed)
    await expect.poll(() => notify).toHaveBeenCalled()
    expect(worker.running()).toBe(1)
    slowEnd.resolve(completed)
    await drained
  })

  it('does not hide that expired rows cannot be read', async () => {
    const query: Database['query'] = async (text, values) => {
      if (text.includes('with expired')) throw new Error('no such column')
      return database.query<never>(text, values)
    }
    const worker = open({ database: { ...database, query }, handle: async () => completed })
    await expect(worker.tick()).rejects.toThrow('no such column')
  })

  it('settles with its hook in one transaction, and none of it when the hook fails', async () => {
    const [good = '', bad = ''] = await rows.add([{}, {}])
    const worker = open({
      handle: async () => completed,
      onSettled: async (tx, settled) => {
        if (settled.some(({ row }) => row.id === bad)) throw new Error('no')
        for (const { row } of settled) await tx.query(`insert into public.spans (id) values ($1)`, [row.id])
      },
    })
    await worker.tick()
    expect((await rows.read(good)).status).toBe(table.succeeded)
    expect((await rows.read(bad)).status).toBe('running')
    expect((await database.query('select id from public.spans')).rows).toEqual([{ id: good }])
  })

  it('reclaims the other lost rows, and goes on with the queue, when the hook fails for one of them', async () => {
    const [bad = '', ...good] = await rows.add([{ maxAttempts: 1 }, { maxAttempts: 1 }, { maxAttempts: 1 }])
    await database.query(`update ${table.rows} set losses = ${MAX_LOSSES - 1}`)
    await rows.claim()
    clock.advance(LEASE_MS)
    const [due = ''] = await rows.add([{}])
    let broken = true
    const worker = open({
      handle: async () => completed,
      onSettled: async (_, settled) => {
        if (broken && settled.some(({ row }) => row.id === bad)) throw new Error('no')
      },
    })
    await worker.tick()
    for (const id of good) expect((await rows.read(id)).status).toBe('failed')
    expect((await rows.read(due)).status).toBe(table.succeeded)
    // An end without what follows from it is not an end: it is repeated a lease later.
    expect((await rows.read(bad)).status).toBe('running')
    broken = false
    clock.advance(LEASE_MS)
    await worker.tick()
    expect((await rows.read(bad)).status).toBe('failed')
    expect(await rows.outcomes(bad)).toEqual(['lost'])
  })

  it('says once that the database is away, and once that it is back', async () => {
    let isAway = true
    let refused = 0
    const query: Database['query'] = async (text, values, name) => {
      if (!isAway) return database.query(text, values, name)
      refused++
      throw unavailable(new Error('away'))
    }
    const said: unknown[] = []
    const say = (_: unknown, text?: unknown) => void said.push(text)
    const worker = open({
      database: { ...database, query },
      handle: async () => completed,
      log: { ...silentLog, warn: say, info: say },
    })
    worker.start()
    for (let i = 1; i <= 5; i++) {
      await expect.poll(() => refused).toBeGreaterThanOrEqual(i)
      worker.nudge()
    }
    isAway = false
    worker.nudge()
    await expect.poll(() => said).toHaveLength(2)
    expect(said).toEqual(['the queue cannot be read', 'the queue can be read again'])
  })

  it('keeps what its rows came to while the database is away, however long that is', async () => {
    const [id = ''] = await rows.add([{}])
    let isAway = false
    let refused = 0
    const query: Database['query'] = async (text, values) => {
      if (!isAway) return database.query(text, values)
      if (text.includes('insert into')) refused++
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
      await expect.poll(() => refused).toBeGreaterThanOrEqual(i)
    }
    isAway = false
    worker.nudge()
    await expect.poll(async () => (await rows.read(id)).status).toBe(table.succeeded)
    expect(await rows.outcomes(id)).toEqual(['completed'])
  })

  it('counts no failure when the database goes away before its work begins', async () => {
    const [id = ''] = await rows.add([{ maxAttempts: 1 }])
    const worker = open({
      handle: async ({ attempt }) => {
        if (attempt === 1) throw unavailable(new Error('away'))
        return completed
      },
    })
    await worker.tick()
    expect((await rows.read(id)).status).toBe('pending')
    clock.advance(2000)
    await worker.tick()
    expect((await rows.read(id)).status).toBe(table.succeeded)
  })

  it('releases at once a row whose claim was made but not heard of', async () => {
    const [id = ''] = await rows.add([{ maxAttempts: 1 }])
    let answers = false
    const query: Database['query'] = async (text, values) => {
      const answer = await database.query<never>(text, values)
      if (answers || !text.includes('for no key update of job')) return answer
      throw unavailable(new Error('cut off'))
    }
    const worker = open({ database: { ...database, query }, handle: async () => completed })
    await expect(worker.tick()).rejects.toMatchObject({ code: 'database_unavailable' })
    expect((await rows.read(id)).status).toBe('running')
    answers = true
    await worker.tick()
    expect((await rows.read(id)).status).toBe(table.succeeded)
    expect(await rows.outcomes(id)).toEqual(['retried', 'completed'])
  })

  it('can be put off more often than a small number holds', async () => {
    const [id = ''] = await rows.add([{}])
    await database.query(`update ${table.rows} set attempt = 32767 where id = $1`, [id])
    const [one] = await rows.claim()
    await rows.settle(one!, { kind: 'deferred', error: 'later', delayMs: 0 })
    expect((await rows.claim())[0]).toMatchObject({ attempt: 32769, failures: 0 })
  })

  it('starts on a nudge, goes on by itself until nothing is left, and then stays quiet', async () => {
    let statements = 0
    const counted: Database = {
      ...database,
      query: (text, values, name) => {
        // Asked once a second, however often the others are.
        if (!name?.startsWith('first live')) statements++
        return database.query(text, values)
      },
    }
    const worker = open({ database: counted, clock: systemClock, slots: 4, handle: async () => completed })
    worker.start()
    await expect.poll(() => statements).toBe(1)
    await rows.add(Array.from({ length: 30 }, (_, i) => ({ group: `g${i % 3}`, at: new Date(Date.now() - 1000) })))
    worker.nudge()
    const left = `select from ${table.rows} where status <> '${table.succeeded}'`
    await expect.poll(async () => (await database.query(left)).rows).toEqual([])
    // 3 rows a round: a settlement, a claim and a look at what is next.
    expect(statements).toBeLessThan(50)
  })

  it('never runs two of a group at once: 2 processes of 16 slots, 500 rows, 20 groups', async () => {
    const processes = [startProcess('work', 5000), startProcess('work', 5000)]
    await Promise.all(processes.map((child) => once(child.stdout!, 'data')))
    const now = new Date()
    const ids = await rows.add(Array.from({ length: 500 }, (_, i) => ({ group: `g${i % 20}`, at: now })))
    const left = `select from ${table.rows} where status <> '${table.succeeded}'`
    await expect.poll(async () => (await database.query(left)).rows, { interval: 50 }).toEqual([])
    const done = await database.query<{ runs: number; ids: number; overlaps: number; workers: number }>(
      `select count(*)::int as runs, count(distinct id)::int as ids,
         (select count(distinct owner)::int from ${table.attempts} ) as workers,
         (select count(*)::int from public.spans a join public.spans b
           on a.grp = b.grp and a.id < b.id and a.started < b.ended and b.started < a.ended) as overlaps
       from public.spans`,
    )
    expect(done.rows).toEqual([{ runs: ids.length, ids: ids.length, overlaps: 0, workers: 2 }])
  })

  it('reclaims the row of a killed process within its lease', async () => {
    const [id = ''] = await rows.add([{ at: new Date(Date.now() - 1000) }])
    const child = startProcess('hang', 1500)
    await expect.poll(async () => (await rows.read(id)).status).toBe('running')
    // Its tick is a minute away: it is the end of the lease that wakes it.
    open({ clock: systemClock, handle: async () => completed }).start()
    child.kill('SIGKILL')
    const killedAt = performance.now()
    await expect.poll(async () => (await rows.read(id)).status).toBe(table.succeeded)
    expect(performance.now() - killedAt).toBeLessThan(30_000)
    expect(await rows.outcomes(id)).toEqual(['lost', 'completed'])
  })
})
