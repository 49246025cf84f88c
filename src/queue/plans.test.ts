// How PostgreSQL goes about the queue's statements: never through a whole table, however it is
// filled and whatever is known of it. Plans, not times.
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { Database, Sql } from '../db/database.ts'
import { JOBS } from '../jobs/job.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import type { Queue } from './queue.ts'
import { queueOn } from './queue.ts'

/** In batches: each statement has half a minute, and the machine may be busy. */
const FINISHED = Array<number>(10).fill(30_000)
const PENDING = 2_000
/** Jobs that wait for something else than an attempt. */
const WAITING = 10_000

type Node = { 'Node Type': string; 'Relation Name'?: string; 'Index Name'?: string; Plans?: Node[] }

/** Every node of a plan that reads a table, as `type table index`. */
function readsOf(node: Node): string[] {
  const { 'Node Type': type, 'Relation Name': relation, 'Index Name': index } = node
  const own = / Scan$/.test(type) && (relation ?? index) ? [`${type} ${relation ?? ''} ${index ?? ''}`.trim()] : []
  return [...own, ...(node.Plans ?? []).flatMap(readsOf)]
}

/** Whether others need the answer of the statement of this name: it runs as it is. */
function isAnswered(name: string): boolean {
  return name.startsWith('first live')
}

/** Runs statements, and counts the blocks that each one reads. */
function countingOn(database: Database): { counting: Sql; read: number[] } {
  const read: number[] = []
  const counting: Sql = {
    async query<Row extends object>(text: string, values: readonly unknown[] = [], name = '') {
      if (isAnswered(name)) return database.query<Row>(text, values)
      const { rows: found } = await database.query<{
        'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }]
      }>(`explain (analyze, buffers, format json) ${text}`, values)
      const { Plan: plan } = found[0]!['QUERY PLAN'][0]
      read.push(plan['Shared Hit Blocks'] + plan['Shared Read Blocks'])
      return { rows: [], rowCount: 0 }
    },
  }
  return { counting, read }
}

describe.each(TABLES)('claims of $name beside what was done within the hour', ({ table }) => {
  it.each([
    { what: 'without groups', group: () => ({}) },
    { what: 'in many groups', group: (i: number) => ({ group: `g${i % 500}` }) },
  ])('$what, and cannot be removed yet, read none of it', async ({ group }) => {
    const rows = await openRows(table)
    const { database, clock } = rows
    await database.query(`alter table ${table.rows} set (autovacuum_enabled = off)`)
    const { counting, read } = countingOn(database)
    const queue = queueOn({ table, clock })
    const now = clock.now().getTime()
    await database.transaction(async (open) => {
      await open.query('set transaction isolation level repeatable read')
      await open.query('select 1')
      // In another order than they are stored: each would be read by a block of its own.
      const at = (i: number) => new Date(now - 20_000 - ((i * 7919) % 3_600_000))
      await rows.add(Array.from({ length: 5_000 }, (_, i) => ({ ...group(i), at: at(i) })))
      await database.query(`update ${table.rows} set attempt = 1`)
      for (let slot = 0; slot < 10; slot++)
        await database.query(
          `with turn as (select id from ${table.rows} where status = 'pending' limit 500)
           update ${table.rows} set status = 'running', owner = gen_random_uuid(), group_slot = $1 where id in (select id from turn)`,
          [slot],
        )
      await database.query(`update ${table.rows} set status = '${table.succeeded}', owner = null, finished_at = now()`)
      await database.query(`analyze ${table.rows}`)
      await rows.add(Array.from({ length: 60 }, (_, i) => group(i)))
      for (const limit of [1, 1, 50]) await queue.claim(counting, { owner: newId(), limit, leaseMs: LEASE_MS })
      await queue.nextDue(counting)
    })
    const [, one = 0, fifty = 0, next = 0] = read
    expect(await database.query(`select from ${table.rows} where status = 'running'`)).toMatchObject({ rowCount: 52 })
    // A row that is taken costs some 20 blocks, and a group that waits 15.
    const waiting = 60 * 20
    expect(one).toBeLessThan(300 + waiting)
    expect(fifty).toBeLessThan(300 + waiting + 50 * 40)
    expect(next).toBeLessThan(300 + waiting)
    await rows.close()
  })
})

test('10,000 jobs that wait are not read by claims, nor by the question what is next', async () => {
  const rows = await openRows(JOBS)
  const { database, clock } = rows
  await fill(rows, JOBS.rows)
  await database.query(`delete from signalbox.jobs where status = 'pending'`)
  await database.query('vacuum analyze signalbox.jobs')
  const { counting, read } = countingOn(database)
  const queue = queueOn({ table: JOBS, clock })
  await queue.claim(counting, { owner: newId(), limit: 16, leaseMs: LEASE_MS })
  await queue.nextDue(counting)
  expect(Math.max(...read)).toBeLessThan(100)
  expect((await queue.nextDue(database)).claimMs).toBeGreaterThan(9 * 24 * 60 * 60 * 1000)
  await rows.close()
})

describe.each(TABLES)('statements over $name', ({ table }) => {
  const name = table.rows.replace('signalbox.', '')
  const isWhole = (read: string) => read === `Seq Scan ${name}`
  let rows: Rows
  let database: Database
  let queue: Queue<object, unknown>
  beforeAll(async () => {
    rows = await openRows(table)
    database = rows.database
    queue = queueOn({ table, clock: systemClock })
    await database.query(`alter table ${table.rows} set (autovacuum_enabled = off)`)
    await fill(rows, table.rows)
  })
  afterAll(() => rows?.close())

  /** The reads of the plans of what `run` executes: with its values known, and for any values. */
  async function plansOf(run: (sql: Sql) => Promise<unknown>): Promise<string[][]> {
    const plans: string[][] = []
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      await database.transaction(async (tx) => {
        await tx.query(`set local plan_cache_mode = ${mode}`)
        const explaining: Sql = {
          async query<Row extends object>(text: string, values: readonly unknown[] = [], name = '') {
            if (isAnswered(name)) return tx.query<Row>(text, values)
            const { rows: found } = await tx.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
              `explain (format json) ${text}`,
              values,
              `explain ${newId()}`,
            )
            plans.push(found.flatMap((row) => readsOf(row['QUERY PLAN'][0].Plan)))
            return { rows: [], rowCount: 0 }
          },
        }
        await run(explaining)
      })
    }
    return plans
  }

  async function endings(count: number) {
    const owner = newId()
    const claimed = await queue.claim(database, { owner, limit: count, leaseMs: LEASE_MS })
    expect(claimed).toHaveLength(count)
    return { owner, claimed }
  }

  describe.each([{ known: false }, { known: true }])('with statistics: $known', ({ known }) => {
    beforeAll(async () => {
      if (known) await database.query(`analyze ${table.rows}`)
    })

    it.each([1, 16, 200])('claiming %i rows looks up due ones by their index, and takes them by id', async (limit) => {
      const plans = await plansOf((sql) => queue.claim(sql, { owner: newId(), limit, leaseMs: LEASE_MS }))
      expect(plans).toHaveLength(2)
      for (const reads of plans) {
        expect(reads.filter(isWhole)).toEqual([])
        expect(reads.join()).toContain(`${name}_claim`)
        // Candidates are locked and updated by primary key, not through the index on pending rows.
        expect(reads.join()).toContain(`${name}_pkey`)
      }
    })

    it.each([1, 16, 200])('settling and renewing %i rows finds them by id', async (count) => {
      const { owner, claimed } = await endings(count)
      const settled = await plansOf((sql) =>
        queue.settle(sql, {
          owner,
          endings: claimed.map(({ id, attempt }) => ({ id, attempt, outcome: { kind: 'completed' }, detail: null })),
        }),
      )
      const renewed = await plansOf((sql) => queue.renew(sql, { owner, attempts: claimed, leaseMs: LEASE_MS }))
      for (const reads of [...settled, ...renewed]) {
        const own = reads.filter((read) => read.includes(name))
        expect(new Set(own)).toEqual(new Set([`Index Scan ${name} ${name}_pkey`]))
      }
    })

    it('reclaiming reads the running rows only', async () => {
      for (const reads of await plansOf((sql) => queue.reclaimExpired(sql))) {
        expect(reads.filter(isWhole)).toEqual([])
        expect(reads.join()).toContain(`${name}_lease`)
      }
    })

    it('knowing what is next reads the first pending and the first running row', async () => {
      for (const reads of await plansOf((sql) => queue.nextDue(sql))) {
        expect(reads.filter(isWhole)).toEqual([])
        expect(reads.join()).toContain(`${name}_claim`)
      }
    })
  })
})

it.each(TABLES)(
  'a claim of $name that was prepared while the table was all but empty never reads all of it',
  async ({ table }) => {
    const { database, add, queue, close } = await openRows(table)
    database.ownSessions(true)
    await add([{}])
    await database.query(`update ${table.rows} set status = 'failed', finished_at = now()`)
    await database.query(`vacuum analyze ${table.rows}`)
    await database.transaction(async (tx) => {
      // From the sixth time on the plan is for any values.
      for (let n = 0; n < 10; n++) await queue.claim(tx, { owner: newId(), limit: 16, leaseMs: LEASE_MS })
      const rest = table.ofKinds
        ? `array_fill('-infinity'::timestamptz, array[10]), '-infinity', null`
        : `'-infinity', '-infinity'`
      const { rows } = await tx.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
        `explain (format json) execute "claim ${table.rows}" (null, '${newId()}', 16, 32, 30000, ${rest})`,
      )
      const reads = rows.flatMap((row) => readsOf(row['QUERY PLAN'][0].Plan))
      expect(reads.filter((read) => read.startsWith(`Seq Scan ${table.rows.replace('signalbox.', '')}`))).toEqual([])
      expect(reads).not.toEqual([])
    })
    await close()
  },
)

/** Many finished rows and some due ones, none of which the planner has seen. */
async function fill({ database, add }: Rows, table: string): Promise<void> {
  const [id = ''] = await add([{}])
  const columns = await database.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname not in ('id', 'status', 'finished_at', 'event_id')`,
    [table],
  )
  const names = columns.rows.map((column) => column.name).join(', ')
  await database.transaction(async (tx) => {
    // Rows of the table alone: the events they would belong to do not matter here.
    await tx.query(`alter table ${table} drop constraint ${table.split('.')[1]}_event_id_fkey`)
    for (const [count, status] of [
      ...FINISHED.map((count) => [count, table.endsWith('jobs') ? 'completed' : 'succeeded'] as const),
      [PENDING, 'pending'],
      ...(table.endsWith('jobs') ? [[WAITING, 'waiting'] as const] : []),
    ] as const) {
      await tx.query(
        `insert into ${table} (id, event_id, status, finished_at, ${names})
         select gen_random_uuid(), gen_random_uuid(), $2::text, case when $2 not in ('pending', 'waiting') then now() end, ${names}
         from ${table}, generate_series(1, $3::integer) where id = $1`,
        [id, status, count],
      )
    }
    await tx.query(`update ${table} set available_at = now() + interval '10 days' where status = 'waiting'`)
  })
}
