// Groups: one running row each, and order for rows that keep their group while they wait.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import type { Outcome } from './table.ts'
import type { Worker } from './worker.ts'
import { openWorker } from './worker.ts'

const later: Outcome = { kind: 'retried', error: 'later', delayMs: 10_000 }
const completed: Outcome = { kind: 'completed' }

describe.each(TABLES)('groups of $name', ({ table }) => {
  let rows: Rows
  let database: Database
  let clock: Rows['clock']
  let workers: Worker[]
  beforeAll(async () => {
    rows = await openRows(table)
    ;({ database, clock } = rows)
  })
  afterAll(() => rows?.close())
  beforeEach(async () => {
    await rows.clear()
    workers = []
  })
  afterEach(() => Promise.all(workers.map((worker) => worker.drain({ limitMs: 0 }))))

  const claimedIds = async () => (await rows.claim()).map(({ id }) => id)
  const dueIn = async () => (await rows.queue.nextDue(database)).claimMs

  it('a row in back-off lets the others of its group pass, unless it keeps the group', async () => {
    const [first] = await rows.add([{ group: 'g' }])
    const [second = ''] = await rows.add([{ group: 'g' }])
    const [one] = await rows.claim()
    expect(one?.id).toBe(first)
    await rows.settle(one!, later)
    expect(await claimedIds()).toEqual([second])
  })

  it.each<[string, Outcome]>([
    ['fails', later],
    ['is deferred', { kind: 'deferred', error: 'rate limit', delayMs: 10_000 }],
  ])('a row that keeps its group and %s is the next of it to run', async (_, outcome) => {
    const [first = ''] = await rows.add([{ group: 'g', holds: true }])
    clock.advance(1)
    const [second = '', other = ''] = await rows.add([{ group: 'g', holds: true }, { group: 'h' }])
    const [one] = await rows.claim(1)
    await rows.settle(one!, outcome)
    expect(await claimedIds()).toEqual([other])
    expect(await dueIn()).toBe(10_000)
    clock.advance(9999)
    expect(await claimedIds()).toEqual([])
    clock.advance(1)
    const [again] = await rows.claim()
    expect(again?.id).toBe(first)
    expect(await claimedIds()).toEqual([])
    await rows.settle(again!, completed)
    expect(await claimedIds()).toEqual([second])
  })

  it('a row keeps its group from its first attempt on, and not before', async () => {
    await rows.add([{ group: 'g', holds: true, at: new Date(clock.now().getTime() + 60_000) }])
    const [due] = await rows.add([{ group: 'g', holds: true }])
    expect(await claimedIds()).toEqual([due])
  })

  it('a row that kept its group and failed for good, or was cancelled, lets the next one start', async () => {
    for (const end of ['fail', 'cancel']) {
      await rows.clear()
      const [first = ''] = await rows.add([{ group: 'g', holds: true, maxAttempts: 2 }])
      clock.advance(1)
      const [second] = await rows.add([{ group: 'g', holds: true }])
      const [one] = await rows.claim()
      await rows.settle(one!, later)
      if (end === 'cancel') await rows.queue.cancel(database, { id: first, reason: 'not wanted' })
      else {
        clock.advance(10_000)
        const [again] = await rows.claim()
        await rows.settle(again!, later)
        expect((await rows.read(first)).status).toBe('failed')
      }
      expect(await claimedIds()).toEqual([second])
    }
  })

  it('a row that keeps its group and was lost or released goes first', async () => {
    const [first] = await rows.add([{ group: 'g', holds: true }])
    clock.advance(1)
    await rows.add([{ group: 'g', holds: true, priority: 10, at: new Date(clock.now().getTime() - 5000) }])
    const [urgent] = await rows.claim()
    await rows.settle(urgent!, completed)
    await rows.claim()
    clock.advance(LEASE_MS)
    await rows.queue.reclaimExpired(database)
    await rows.add([{ group: 'g', holds: true, priority: 10, at: new Date(0) }])
    const [again] = await rows.claim()
    expect(again?.id).toBe(first)
    await rows.settle(again!, { kind: 'released', error: 'stop' })
    expect(await claimedIds()).toEqual([first])
  })

  it('has a slot for each running row: the index refuses a second of one slot, and takes another slot', async () => {
    const [a = '', b = ''] = await rows.add([{ group: 'g' }, { group: 'g' }])
    const run = (id: string, slot: number) =>
      database.query(`update ${table.rows} set status = 'running', group_slot = $2 where id = $1`, [id, slot])
    await run(a, 0)
    await expect(run(b, 0)).rejects.toMatchObject({ code: '23505', constraint: expect.stringMatching(/_group$/) })
    await run(b, 1)
    expect((await rows.read(b)).status).toBe('running')
  })

  it('keeps the order of every group under back-off, whatever fails, with several workers', async () => {
    const GROUPS = 4
    const EACH = 8
    const started = Date.now() - 100_000
    const order = new Map<string, string[]>()
    const expected = new Map<string, string[]>()
    for (let i = 0; i < EACH * GROUPS; i++) {
      const group = `g${i % GROUPS}`
      const [id = ''] = await rows.add([{ group, holds: true, at: new Date(started + i) }])
      expected.set(group, [...(expected.get(group) ?? []), id])
    }
    workers = Array.from({ length: 3 }, () =>
      openWorker<object, unknown>({
        database,
        clock: systemClock,
        log: silentLog,
        table,
        slots: 3,
        tickMs: 1000,
        handle: async ({ id, group_key, attempt, failures }) => {
          // Every row fails once, every other one is deferred besides.
          const begun = order.get(group_key ?? '') ?? []
          if (attempt === 1) order.set(group_key ?? '', [...begun, id])
          else expect(begun.at(-1)).toBe(id)
          if (failures === 0) return { outcome: { ...later, delayMs: 5 }, detail: null }
          if (attempt === 2 && begun.length % 2 === 0) {
            return { outcome: { kind: 'deferred', error: 'come back', delayMs: 3 }, detail: null }
          }
          return { outcome: completed, detail: null }
        },
      }),
    )
    for (const worker of workers) worker.start()
    const left = async () => {
      for (const worker of workers) worker.nudge()
      return (await database.query(`select from ${table.rows} where status <> $1`, [table.succeeded])).rows
    }
    await expect.poll(left, { interval: 20 }).toEqual([])
    expect(order).toEqual(expected)
  })

  it('a second worker does not overtake a row that another has just put off', async () => {
    const [first = ''] = await rows.add([{ group: 'g', holds: true }])
    clock.advance(1)
    await rows.add([{ group: 'g', holds: true }])
    const [one] = await rows.claim()
    await database.transaction(async (tx) => {
      await rows.queue.settle(tx, {
        owner: one!.owner,
        endings: [{ id: first, attempt: 1, outcome: later, detail: null }],
      })
      // Not committed: it is seen as running. Committed: it keeps its group.
      expect(await rows.claim(16, newId())).toEqual([])
    })
    expect(await rows.claim(16, newId())).toEqual([])
  })
})
