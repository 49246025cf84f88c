// Where claims begin to look: nothing that may run is passed over for long.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Sql } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import type { Queue } from './queue.ts'
import { queueOn } from './queue.ts'
import type { Outcome } from './table.ts'
import type { Worker } from './worker.ts'
import { openWorker } from './worker.ts'

const HOUR_MS = 3_600_000
const completed: Outcome = { kind: 'completed' }

describe.each(TABLES)('claims of $name', ({ table }) => {
  let rows: Rows
  let queue: Queue<object, unknown>
  let worker: Worker | undefined
  beforeAll(async () => {
    rows = await openRows(table)
  })
  afterAll(() => rows?.close())
  beforeEach(async () => {
    await rows.clear()
    queue = queueOn({ table, clock: rows.clock })
  })
  afterEach(() => worker?.drain({ limitMs: 0 }))

  const claim = (limit = 16) => queue.claim(rows.database, { owner: newId(), limit, leaseMs: LEASE_MS })
  const hourAgo = () => new Date(rows.clock.now().getTime() - HOUR_MS)

  it('find after a while what has come before all that they know of, and say so', async () => {
    expect(await claim()).toEqual([])
    const [id] = await rows.add([{ at: hourAgo() }])
    const { againMs } = await queue.nextDue(rows.database)
    if (againMs !== null) {
      expect(againMs).toBeLessThanOrEqual(60_000)
      rows.clock.advance(60_000)
    }
    expect((await queue.nextDue(rows.database)).claimMs).toBeLessThan(0)
    expect(await claim()).toMatchObject([{ id }])
  })

  it('ask for the first live rows the less often the longer that takes', async () => {
    let asked = 0
    const slow: Sql = {
      query(text, values, name) {
        if (name?.startsWith('first live')) {
          asked++
          rows.clock.advance(500)
        }
        return rows.database.query(text, values, name)
      },
    }
    for (let n = 0; n < 30; n++) {
      await queue.nextDue(slow)
      rows.clock.advance(1000)
    }
    expect(asked).toBeGreaterThan(1)
    expect(asked).toBeLessThanOrEqual(5)
  })

  it('find at once what they have put back to where it was', async () => {
    const [id] = await rows.add([{ at: hourAgo() }])
    const [claimed] = await claim()
    expect(claimed?.id).toBe(id)
    const { owner, attempt } = claimed!
    await queue.nextDue(rows.database)
    const outcome: Outcome = { kind: 'released', error: 'stop' }
    await queue.settle(rows.database, { owner, endings: [{ id: id!, attempt, outcome, detail: null }] })
    expect(await claim()).toMatchObject([{ id }])
    rows.clock.advance(LEASE_MS)
    await queue.nextDue(rows.database)
    expect(await queue.reclaimExpired(rows.database)).toHaveLength(1)
    expect(await claim()).toMatchObject([{ id }])
  })

  it('find at once what was put back without an answer, or to wait for nothing', async () => {
    const slow: Sql = {
      query(text, values, name) {
        if (name?.startsWith('first live')) rows.clock.advance(3000)
        return rows.database.query(text, values, name)
      },
    }
    const lossy: Sql = {
      async query(text, values, name) {
        await rows.database.query(text, values, name)
        throw new Error('the connection was lost')
      },
    }
    const outcomes: Outcome[] = [{ kind: 'released', error: 'stop' }]
    if (table.rows.endsWith('jobs')) outcomes.push({ kind: 'waiting', delayMs: 0 })
    for (const outcome of outcomes) {
      await rows.clear()
      const [id = ''] = await rows.add([{ at: hourAgo() }])
      const owner = newId()
      const [claimed] = await queue.claim(slow, { owner, limit: 4, leaseMs: 10 * HOUR_MS })
      expect(claimed?.id).toBe(id)
      // Asked for a second time, slowly: the answer is good for a minute.
      rows.clock.advance(61_000)
      await queue.nextDue(slow)
      const endings = [{ id, attempt: claimed!.attempt, outcome, detail: null }]
      await expect(queue.settle(lossy, { owner, endings })).rejects.toThrow('lost')
      await rows.database.query(
        `update ${table.rows} set status = 'pending', available_at = created_at where status = 'waiting'`,
      )
      expect(await claim()).toMatchObject([{ id }])
    }
  })

  it('let no row overtake one that keeps its group, though another worker has put it back', async () => {
    const [first, second] = await rows.add(
      Array.from({ length: 2 }, () => ({ group: 'g', holds: true, at: hourAgo() })),
    )
    const [claimed] = await claim()
    expect(claimed?.id).toBe(first)
    // Due for a moment only, so that it is looked at always.
    await rows.database.query(`update ${table.rows} set available_at = $1 where id = $2`, [rows.clock.now(), second])
    const other = queueOn({ table, clock: rows.clock })
    const { owner, attempt } = claimed!
    await queue.nextDue(rows.database)
    const outcome: Outcome = { kind: 'released', error: 'stop' }
    await other.settle(rows.database, { owner, endings: [{ id: first!, attempt, outcome, detail: null }] })
    expect((await claim()).filter(({ id }) => id === second)).toEqual([])
    rows.clock.advance(60_000)
    const again = await claim()
    expect((await rows.read(first!)).status).toBe('running')
    expect(again.filter(({ id }) => id === second)).toEqual([])
  })

  it('let no row overtake one that was held with it until just now', async () => {
    const [first] = await rows.add([{ group: 'g', at: hourAgo() }, { group: 'g' }])
    await rows.database.query(`update ${table.rows} set held = true`)
    expect(await claim()).toEqual([])
    await rows.database.query(`update ${table.rows} set held = false`)
    expect((await claim()).map(({ id }) => id)).toEqual([first])
  })

  it('leave no row of a group behind that was there before', async () => {
    const ids = await rows.add(Array.from({ length: 3 }, () => ({ group: 'g', at: hourAgo() })))
    for (const id of ids) {
      const [claimed] = await claim()
      expect(claimed?.id).toBe(id)
      expect(await claim()).toEqual([])
      const { owner, attempt } = claimed!
      await queue.settle(rows.database, { owner, endings: [{ id, attempt, outcome: completed, detail: null }] })
    }
  })

  it('see what runs since long ago, however often its lease was renewed', async () => {
    await rows.add(Array.from({ length: 2 }, () => ({ group: 'g', at: hourAgo() })))
    const [first] = await claim()
    for (let n = 0; n < 20; n++) {
      rows.clock.advance(LEASE_MS - 1)
      await queue.renew(rows.database, { owner: first!.owner, attempts: [first!], leaseMs: LEASE_MS })
      expect(await claim()).toEqual([])
    }
  })

  it('wake a worker for it, whose tick is a minute away', async () => {
    worker = openWorker({
      database: rows.database,
      clock: systemClock,
      log: silentLog,
      table,
      slots: 4,
      tickMs: 60_000,
      handle: async () => ({ outcome: completed, detail: null }),
    })
    const begun = performance.now()
    worker.start()
    const [other = ''] = await rows.add([{ at: new Date() }])
    worker.nudge()
    await expect.poll(async () => (await rows.read(other)).status).toBe(table.succeeded)
    const [id = ''] = await rows.add([{ at: new Date(Date.now() - HOUR_MS) }])
    worker.nudge()
    await expect.poll(async () => (await rows.read(id)).status).toBe(table.succeeded)
    expect(performance.now() - begun).toBeLessThan(50_000)
  })
})
