// Tables in partitions: everybody has slots of its own, and nobody waits for another's backlog.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DELIVERIES } from '../deliveries/delivery.ts'
import { newId } from '../lib/id.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows } from './fixtures/rows.ts'
import type { Claimed, Outcome } from './table.ts'

const completed: Outcome = { kind: 'completed' }

describe('deliveries of several endpoints', () => {
  let rows: Rows
  beforeAll(async () => {
    rows = await openRows(DELIVERIES)
  })
  afterAll(() => rows?.close())
  beforeEach(() => rows.clear())

  async function endpoint(limits: { concurrency?: number; rate?: number; status?: string; heals?: boolean } = {}) {
    const id = newId()
    const { concurrency = null, rate = null, status = 'active', heals = false } = limits
    await rows.database.query(
      `insert into signalbox.endpoints (id, name, url, secrets, events, origin, concurrency, rate_per_second, status, heals)
       values ($1, $1::uuid::text, 'http://e', '[]', '{*}', 'api', $2, $3, $4, $5)`,
      [id, concurrency, rate, status, heals],
    )
    return id
  }

  async function health(id: string, change: string, at = rows.clock.now()) {
    await rows.database.query(
      `update signalbox.endpoint_health set ${change} where endpoint_id = $1 and $2::timestamptz is not null`,
      [id, at],
    )
  }

  async function backlog(endpointId: string, count: number, { group = null as string | null, holds = false } = {}) {
    await rows.database.query(
      `with e as (insert into signalbox.events (id, source, delivery_id, type, status)
         select gen_random_uuid(), 's', gen_random_uuid()::text, 't', 'routed' from generate_series(1, $2) returning id)
       insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, group_key, holds_group, available_at, created_at)
       select gen_random_uuid(), id, $1, 10, $4, $5, $3::timestamptz - interval '1 s', $3 from e`,
      [endpointId, count, rows.clock.now(), group, holds],
    )
  }

  const of = (claimed: readonly Claimed[], id: string) =>
    claimed.filter((row) => (row as Claimed<{ endpoint_id: string }>).endpoint_id === id)

  it('are claimed in turns, so that a flood to one takes the others no slot', async () => {
    const [flooded, quiet, other] = [await endpoint(), await endpoint(), await endpoint()]
    await backlog(flooded, 5000)
    await backlog(quiet, 3)
    await backlog(other, 2)
    const claimed = await rows.claim(8)
    expect([flooded, quiet, other].map((id) => of(claimed, id).length)).toEqual([3, 3, 2])
  })

  it('never take more than the slots of their endpoint, also when nobody else wants them', async () => {
    const [few, many] = [await endpoint({ concurrency: 2 }), await endpoint()]
    await backlog(few, 10)
    await backlog(many, 100)
    const claimed = await rows.claim(64)
    expect([of(claimed, few).length, of(claimed, many).length]).toEqual([2, 32])
    expect(await rows.claim(64)).toEqual([])
    expect((await rows.queue.nextDue(rows.database)).claimMs).toBeNull()
    await rows.settle(of(claimed, few)[0]!, completed)
    expect((await rows.queue.nextDue(rows.database)).claimMs).toBeLessThanOrEqual(0)
    expect(of(await rows.claim(64), few)).toHaveLength(1)
  })

  it('wait while their endpoint is not active, and are due as they were when it is again', async () => {
    const [paused, disabled, healing] = [
      await endpoint({ status: 'paused' }),
      await endpoint({ status: 'disabled' }),
      await endpoint({ status: 'disabled', heals: true }),
    ]
    for (const id of [paused, disabled, healing]) await backlog(id, 2)
    expect(new Set((await rows.claim(64)).map((row) => (row as Claimed<{ endpoint_id: string }>).endpoint_id))).toEqual(
      new Set([healing]),
    )
    expect((await rows.queue.nextDue(rows.database)).claimMs).toBeNull()
    await rows.database.query(`update signalbox.endpoints set status = 'active' where id = $1`, [paused])
    expect(of(await rows.claim(64), paused)).toHaveLength(2)
  })

  it('are not begun before their endpoint opens, and then as many as it has slots', async () => {
    const id = await endpoint()
    await backlog(id, 10)
    await health(id, `opens_at = $2::timestamptz + interval '5 s', slots = 1`)
    expect(await rows.claim()).toEqual([])
    expect((await rows.queue.nextDue(rows.database)).claimMs).toBe(5000)
    rows.clock.advance(5000)
    expect(await rows.claim()).toHaveLength(1)
    expect(await rows.claim()).toEqual([])
  })

  it('begin no faster than the rate of their endpoint, whoever claims them', async () => {
    const id = await endpoint({ rate: 5 })
    await backlog(id, 100)
    const claimed = await Promise.all([rows.claim(64, newId()), rows.claim(64, newId())])
    expect(claimed.flat()).toHaveLength(5)
    expect((await rows.queue.nextDue(rows.database)).claimMs).toBe(200)
    let begun = 0
    for (let step = 0; step < 100; step++) {
      rows.clock.advance(100)
      for (const row of await rows.claim(64)) {
        begun++
        await rows.settle(row, completed)
      }
    }
    expect(begun).toBe(50)
  })

  it('of one rate below one a second begin that far apart', async () => {
    const id = await endpoint({ rate: 0.5 })
    await backlog(id, 3)
    expect(await rows.claim()).toHaveLength(1)
    rows.clock.advance(1999)
    expect(await rows.claim()).toEqual([])
    rows.clock.advance(1)
    expect(await rows.claim()).toHaveLength(1)
  })

  it('in a group that is kept do not delay the other groups, however many they are', async () => {
    const id = await endpoint()
    await backlog(id, 1, { group: 'kept', holds: true })
    const [first] = await rows.claim()
    await rows.settle(first!, { kind: 'retried', error: 'later', delayMs: 60_000 })
    await backlog(id, 3000, { group: 'kept', holds: true })
    await backlog(id, 1, { group: 'other', holds: true })
    expect((await rows.claim()).map((row) => row.group_key)).toEqual(['other'])
    rows.clock.advance(60_000)
    expect((await rows.claim()).map((row) => row.id)).toEqual([first!.id])
  })

  it('are found by looking at a few rows of a long backlog', async () => {
    for (const id of [await endpoint(), await endpoint()]) await backlog(id, 20_000)
    const held = await endpoint()
    await backlog(held, 20_000, { group: 'kept', holds: true })
    await rows.claim()
    expect(await readToClaim(16)).toBeLessThan(1000)
  })

  it('are found by looking at a few rows of each of many backlogs', async () => {
    for (let n = 0; n < 100; n++) await backlog(await endpoint(), 200)
    const claimed = await rows.claim(64)
    expect(claimed).toHaveLength(64)
    expect(new Set(claimed.map((row) => (row as Claimed<{ endpoint_id: string }>).endpoint_id)).size).toBe(64)
    expect(await readToClaim(64)).toBeLessThan(1000)
  })

  /** How many rows are looked at to claim this many. */
  async function readToClaim(limit: number): Promise<number> {
    let read = 0
    await rows.queue.claim(
      {
        async query(text, values) {
          const { rows: plan } = await rows.database.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
            `explain (analyze, format json) ${text}`,
            values,
          )
          read = rowsRead(plan[0]!['QUERY PLAN'][0].Plan)
          return { rows: [], rowCount: 0 }
        },
      },
      { owner: newId(), limit, leaseMs: LEASE_MS },
    )
    return read
  }
})

type Node = {
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: Node[]
}

/** How many rows of the table a plan has looked at. */
function rowsRead(node: Node): number {
  const own =
    node['Relation Name'] === 'deliveries'
      ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
      : 0
  return own + (node.Plans ?? []).reduce((sum, child) => sum + rowsRead(child), 0)
}
