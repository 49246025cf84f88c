// What keeps a lease, and what costs it: blocks, pauses, dead connections, and the end of a worker.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { openDatabase } from '../db/postgres.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import { leaseTiming } from './lease-timing.ts'
import type { Lease } from './row-lease.ts'
import { LeaseLost } from './running.ts'
import type { Claimed, Outcome } from './table.ts'
import type { Worker, WorkerOptions } from './worker.ts'
import { openWorker } from './worker.ts'

// Long enough for a renewal to be answered in time on a busy machine.
const SHORT_LEASE_MS = 2400
const completed: Outcome = { kind: 'completed' }

describe.each(TABLES)('the leases of $name', ({ name, table }) => {
  let rows: Rows
  let database: Database
  let workers: Worker[]
  beforeAll(async () => {
    rows = await openRows(table)
    ;({ database } = rows)
    await database.query('create table public.spans (id uuid, grp text, started timestamptz, ended timestamptz)')
  })
  afterAll(() => rows?.close())
  beforeEach(async () => {
    await rows.clear()
    workers = []
  })
  afterEach(() => Promise.all(workers.map((worker) => worker.drain({ limitMs: 0 }))))

  type Options = Partial<Omit<WorkerOptions<object, unknown>, 'handle'>> & {
    handle(claimed: Claimed, signal: AbortSignal, lease: Lease): Promise<Outcome>
  }
  /** A worker by the real clock and with a short lease. */
  function open({ handle, ...options }: Options): Worker {
    const worker = openWorker<object, unknown>({
      database,
      clock: systemClock,
      log: silentLog,
      table,
      slots: 16,
      leaseMs: SHORT_LEASE_MS,
      tickMs: 60_000,
      ...options,
      handle: async (claimed, signal, lease) => ({ outcome: await handle(claimed, signal, lease), detail: null }),
    })
    workers.push(worker)
    return worker
  }
  const due = () => new Date(Date.now() - 1000)
  const statusOf = async (id: string) => (await rows.read(id)).status
  const isRenewal = (text: string) => text.includes('as mine (id, attempt)')

  it('of all rows but one that somebody has locked are kept, and nothing waits for that', async () => {
    const ids = await rows.add([1, 2, 3].map(() => ({ at: due() })))
    const [lockedId = '', ...others] = ids
    const release = Promise.withResolvers<void>()
    const reasons: unknown[] = []
    const impatient = await openDatabase({ url: database.url, log: silentLog, lockMs: 100, limitsAll: true })
    onTestFinished(() => impatient.close())
    const worker = open({
      database: impatient,
      handle: async (claimed, signal) => {
        const over = new Promise((resolve) => signal.addEventListener('abort', resolve))
        await Promise.race([claimed.id === lockedId ? over : release.promise, over])
        if (signal.aborted) reasons.push(`${claimed.id === lockedId}: ${(signal.reason as Error).message}`)
        return completed
      },
    })
    worker.start()
    worker.nudge()
    await expect.poll(() => worker.running()).toBe(3)
    await database.transaction(async (tx) => {
      await tx.query(`select from ${table.rows} where id = $1 for update`, [lockedId])
      await expect.poll(() => reasons).toHaveLength(1)
      expect(reasons).toEqual(['true: The lease could not be renewed: somebody else has locked the row.'])
      release.resolve()
      for (const id of others) await expect.poll(() => statusOf(id)).toBe(table.succeeded)
      const [late = ''] = await rows.add([{ at: due() }])
      worker.nudge()
      await expect.poll(() => statusOf(late)).toBe(table.succeeded)
    })
    await expect.poll(() => statusOf(lockedId)).toBe(table.succeeded)
    expect((await rows.read(lockedId)).attempt).toBe(1)
  })

  it('outlast a blocked event loop, if nobody took the rows meanwhile', async () => {
    const ids = await rows.add([1, 2, 3].map(() => ({ at: due(), maxAttempts: 1 })))
    let blocked = false
    const worker = open({
      handle: async (_claimed, signal) => {
        await sleep(50)
        if (!blocked) {
          blocked = true
          const until = Date.now() + 1.2 * SHORT_LEASE_MS
          while (Date.now() < until);
        }
        await sleep(500, undefined, { signal })
        return completed
      },
    })
    worker.start()
    worker.nudge()
    for (const id of ids) await expect.poll(() => statusOf(id)).toBe(table.succeeded)
    for (const id of ids) expect(await rows.outcomes(id)).toEqual(['completed'])
  })

  it.runIf(name === 'jobs')(
    'outlast a process that was stopped for longer, if nobody took its rows meanwhile',
    async () => {
      const [id = ''] = await rows.add([{ at: due(), maxAttempts: 1 }])
      const script = fileURLToPath(new URL('fixtures/worker.ts', import.meta.url))
      const args = ['--conditions=signalbox-source', script, database.url, name, 'slow', '6000']
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit'] })
      try {
        await expect.poll(() => statusOf(id)).toBe('running')
        child.kill('SIGSTOP')
        const expired = `select from ${table.rows} where id = $1 and available_at < now() - interval '1 s'`
        await expect.poll(async () => (await database.query(expired, [id])).rows).toHaveLength(1)
        child.kill('SIGCONT')
        await expect.poll(() => statusOf(id)).toBe(table.succeeded)
        expect(await rows.attempts(id)).toMatchObject([{ outcome: 'completed' }])
      } finally {
        child.kill('SIGCONT')
        child.stdin.end()
        await once(child, 'exit')
      }
    },
  )

  it('that ran out while their worker could not renew them are not reclaimed by itself, but by others', async () => {
    const [id = ''] = await rows.add([{}])
    const options = { clock: rows.clock, leaseMs: LEASE_MS }
    const end = Promise.withResolvers<Outcome>()
    const mine = open({ ...options, handle: () => end.promise })
    const first = mine.tick()
    await expect.poll(() => statusOf(id)).toBe('running')
    rows.clock.advance(LEASE_MS)
    await mine.tick()
    expect(await rows.read(id)).toMatchObject({ status: 'running', owner: mine.owner })
    await mine.renew()
    const other = open({ ...options, handle: async () => completed })
    expect(await other.tick()).toBe(0)
    rows.clock.advance(LEASE_MS)
    expect(await other.tick()).toBe(1)
    end.resolve(completed)
    await first
    expect(await rows.outcomes(id)).toEqual(['lost', 'completed'])
  })

  it('are known to a handler to be over after a pause, and are its own again if nobody took the row', async () => {
    const [id = ''] = await rows.add([{}])
    const seen: unknown[] = []
    const worker = open({
      clock: rows.clock,
      leaseMs: LEASE_MS,
      handle: async (_claimed, _signal, lease) => {
        rows.clock.advance(2 * LEASE_MS)
        seen.push(lease.leftMs() < 0)
        await lease.confirm()
        seen.push(lease.leftMs() > LEASE_MS / 2)
        return completed
      },
    })
    await worker.tick()
    expect(seen).toEqual([true, true])
    expect(await rows.outcomes(id)).toEqual(['completed'])
  })

  it('of all that runs are known together, but not of what is stopped because its own is lost', async () => {
    const [first = ''] = await rows.add([{}])
    const seen: (number | null)[] = []
    const options = { clock: rows.clock, leaseMs: LEASE_MS }
    const worker = open({
      ...options,
      handle: async (claimed, signal) => {
        if (claimed.id !== first) {
          seen.push(worker.leaseLeftMs())
          return completed
        }
        rows.clock.advance(LEASE_MS / 2)
        await rows.add([{}])
        await worker.tick()
        rows.clock.advance(LEASE_MS / 2)
        await open({ ...options, handle: async () => completed }).tick()
        await worker.renew()
        expect(signal.reason).toBeInstanceOf(LeaseLost)
        seen.push(worker.leaseLeftMs())
        return completed
      },
    })
    expect(worker.leaseLeftMs()).toBeNull()
    await worker.tick()
    expect(seen).toEqual([expect.any(Number), null])
    expect(seen[0]).toBeLessThanOrEqual(LEASE_MS / 2)
  })

  it('that somebody else has taken meanwhile are not confirmed', async () => {
    const [id = ''] = await rows.add([{}])
    const options = { clock: rows.clock, leaseMs: LEASE_MS }
    const other = open({ ...options, handle: async () => completed })
    const frozen = open({
      ...options,
      handle: async (_claimed, _signal, lease) => {
        rows.clock.advance(LEASE_MS)
        expect(await other.tick()).toBe(1)
        await lease.confirm()
        throw new Error('It went on.')
      },
    })
    await frozen.tick()
    expect(await rows.outcomes(id)).toEqual(['lost', 'completed'])
  })

  it('are asked for again when the answer that confirms them is read late', async () => {
    await rows.add([{}])
    let answers = 0
    const query: Database['query'] = async (text, ...rest) => {
      const answer = await database.query(text, ...rest)
      if (isRenewal(text) && answers++ === 0) rows.clock.advance(LEASE_MS / 2)
      return answer as never
    }
    const worker = open({
      clock: rows.clock,
      leaseMs: LEASE_MS,
      leases: { ...database, query },
      handle: async (_claimed, _signal, lease) => {
        await lease.confirm()
        return completed
      },
    })
    await worker.tick()
    expect(answers).toBe(2)
  })

  it.each([-3_600_000, 3_600_000])('are the same for a worker whose clock is wrong by %i ms', async (wrongMs) => {
    const [id = ''] = await rows.add([{ at: due() }])
    const release = Promise.withResolvers<Outcome>()
    const wrong = open({
      clock: { now: () => new Date(Date.now() + wrongMs), sqlNow: () => null },
      handle: () => release.promise,
    })
    const right = open({ handle: async () => completed })
    const tick = wrong.tick()
    await expect.poll(() => statusOf(id)).toBe('running')
    expect(await right.tick()).toBe(0)
    const { rows: left } = await database.query<{ ms: number }>(
      `select extract(epoch from available_at - now())::float8 * 1000 as ms from ${table.rows} where id = $1`,
      [id],
    )
    expect(Math.abs((left[0]?.ms ?? 0) - SHORT_LEASE_MS)).toBeLessThan(SHORT_LEASE_MS)
    release.resolve({ kind: 'deferred', error: 'later', delayMs: 60_000 })
    await tick
    const { rows: later } = await database.query<{ ms: number }>(
      `select extract(epoch from available_at - now())::float8 * 1000 as ms from ${table.rows} where id = $1`,
      [id],
    )
    expect(Math.abs((later[0]?.ms ?? 0) - 60_000)).toBeLessThan(30_000)
  })

  it('are renewed over connections of their own, however busy the others are', async () => {
    const [id = ''] = await rows.add([{ at: due() }])
    const end = Promise.withResolvers<Outcome>()
    const hanging = Promise.withResolvers<never>()
    let hangs = false
    const query: Database['query'] = (...given) => (hangs ? hanging.promise : database.query(...given))
    const aborted = vi.fn()
    const worker = open({
      database: { ...database, query },
      leases: database,
      handle: (_claimed, signal) => {
        hangs = true
        signal.addEventListener('abort', aborted)
        return end.promise
      },
    })
    worker.start()
    worker.nudge()
    await expect.poll(() => statusOf(id)).toBe('running')
    // A claim waits behind what does not answer.
    worker.nudge()
    await sleep(1.2 * SHORT_LEASE_MS)
    expect(aborted).not.toHaveBeenCalled()
    hangs = false
    hanging.reject(unavailable(new Error('cut off')))
    end.resolve(completed)
    await expect.poll(() => statusOf(id)).toBe(table.succeeded)
  })

  it.each([
    ['a connection that does not answer', () => new Promise<never>(() => {})],
    ['a deadlock', () => Promise.reject(Object.assign(new Error('deadlock detected'), { code: '40P01' }))],
  ])('outlast %s: the renewal is sent again', async (_what, fail) => {
    const [id = ''] = await rows.add([{ at: due() }])
    let renewals = 0
    const query: Database['query'] = (text, ...rest) => {
      // Every other renewal fails.
      if (isRenewal(text) && renewals++ % 2 === 0) return fail()
      return database.query(text, ...rest)
    }
    const worker = open({
      leases: { ...database, query },
      handle: async (_claimed, signal) => {
        await sleep(1.2 * SHORT_LEASE_MS, undefined, { signal })
        return completed
      },
    })
    worker.start()
    worker.nudge()
    await expect.poll(() => statusOf(id)).toBe(table.succeeded)
    expect(await rows.outcomes(id)).toEqual(['completed'])
    expect(renewals).toBeGreaterThan(1)
  })

  it('that cannot be renewed end the work, which is released with the true reason and is no failure', async () => {
    const [id = ''] = await rows.add([{ at: due(), maxAttempts: 1 }])
    let isAway = true
    const query: Database['query'] = (text, ...rest) =>
      isAway && isRenewal(text) ? Promise.reject(unavailable(new Error('away'))) : database.query(text, ...rest)
    const reasons: unknown[] = []
    const worker = open({
      leases: { ...database, query },
      handle: async ({ attempt }, signal) => {
        if (attempt > 1) return completed
        await once(signal, 'abort')
        reasons.push(signal.reason)
        isAway = false
        throw signal.reason
      },
    })
    worker.start()
    worker.nudge()
    await expect.poll(() => statusOf(id)).toBe(table.succeeded)
    expect(reasons).toEqual([expect.any(LeaseLost)])
    expect(await rows.attempts(id)).toMatchObject([
      { outcome: 'retried', error: 'The lease could not be renewed: the database did not answer.' },
      { outcome: 'completed' },
    ])
    expect(await rows.read(id)).toMatchObject({ failures: 0, losses: 0 })
  })

  it('count from when the claim was sent, not from when it was answered', async () => {
    await rows.add([{ at: due() }])
    const { alarmMs } = leaseTiming(LEASE_MS)
    let askedAt = 0
    // Both clocks by which the worker counts stand still but for what passes here.
    const now = vi.spyOn(performance, 'now').mockReturnValue(0)
    const query: Database['query'] = async (text, ...rest) => {
      const answer = await database.query<never>(text, ...rest)
      if (text.includes('for no key update of job')) now.mockReturnValue(alarmMs)
      if (isRenewal(text)) askedAt = performance.now()
      return answer
    }
    const worker = open({
      leaseMs: LEASE_MS,
      database: { ...database, query },
      handle: async () => {
        // The alarm rings at once, since its time had passed when the claim was answered.
        await expect.poll(() => askedAt).toBe(alarmMs)
        return completed
      },
    })
    await worker.tick().finally(() => now.mockRestore())
  })

  it('of work that ignores a drain stay until they expire, so that nobody begins it beside', async () => {
    const [id = ''] = await rows.add([{}])
    const end = Promise.withResolvers<Outcome>()
    const worker = open({ clock: rows.clock, handle: () => end.promise })
    const tick = worker.tick()
    await expect.poll(() => statusOf(id)).toBe('running')
    await worker.drain({ limitMs: 0 })
    expect(await rows.read(id)).toMatchObject({ status: 'running', owner: worker.owner })
    end.resolve(completed)
    await tick
    expect(await statusOf(id)).toBe(table.succeeded)
  })

  it('of rows that were claimed while a drain began are given back', async () => {
    const [id = ''] = await rows.add([{}])
    const claimed = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const query: Database['query'] = async (text, ...rest) => {
      const found = await database.query<never>(text, ...rest)
      if (text.includes('for no key update of job')) {
        claimed.resolve()
        await answer.promise
      }
      return found
    }
    const handle = vi.fn(async () => completed)
    const worker = open({ clock: rows.clock, database: { ...database, query }, handle })
    const tick = worker.tick()
    await claimed.promise
    const drained = worker.drain()
    answer.resolve()
    expect(await tick).toBe(0)
    await drained
    expect(await rows.read(id)).toMatchObject({ status: 'pending', failures: 0, error: 'The worker is shutting down.' })
    expect(handle).not.toHaveBeenCalled()
  })

  it('end with a drain in bounded time, though the database never answers', async () => {
    await rows.add([{}])
    const started = Promise.withResolvers<void>()
    let hangs = false
    const query: Database['query'] = (...given) => (hangs ? new Promise(() => {}) : database.query(...given))
    const worker = open({
      clock: rows.clock,
      database: { ...database, query },
      handle: async (_claimed, signal) => {
        started.resolve()
        await once(signal, 'abort')
        throw signal.reason
      },
    })
    void worker.tick()
    await started.promise
    hangs = true
    await worker.drain({ limitMs: 0 })
    expect(
      await rows.read((await database.query<{ id: string }>(`select id from ${table.rows}`)).rows[0]!.id),
    ).toMatchObject({
      status: 'running',
    })
  })

  it('of two that settle and renew the same rows in any order never end in a deadlock', async () => {
    const ids = await rows.add(Array.from({ length: 8 }, () => ({})))
    const claimed = await rows.claim()
    const owner = claimed[0]!.owner
    const order: string[][] = []
    const seen: Database['query'] = (text, values, ...rest) => {
      order.push(values?.find((value): value is string[] => Array.isArray(value) && ids.includes(value[0])) ?? [])
      return database.query(text, values, ...rest)
    }
    const observed = { ...database, query: seen }
    const shuffled = claimed.toReversed()
    await rows.queue.renew(observed, { owner, attempts: shuffled, leaseMs: LEASE_MS })
    const endings = shuffled.map(({ id, attempt }) => ({ id, attempt, outcome: completed, detail: null }))
    await rows.queue.settle(observed, { owner, endings })
    expect(order).toEqual([ids.toSorted(), ids.toSorted()])
  })
})
