// Whatever order claims, ends, losses and interventions come in, what the queue promises holds.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../lib/id.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import { MAX_LOSSES } from './lease.ts'
import type { Claimed, Outcome } from './table.ts'

const MAX_ATTEMPTS = 3

/** Everything a model of the test remembers: the attempts that were begun, and who has which. */
type Model = { ids: string[]; begun: Claimed[]; owners: string[] }
type Step = { what: string; run(rows: Rows, model: Model): Promise<unknown> }

const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant<Outcome>({ kind: 'completed' }),
  fc.constant<Outcome>({ kind: 'failed', error: 'for good' }),
  fc.constant<Outcome>({ kind: 'cancelled', error: 'not needed' }),
  fc.nat(5000).map((delayMs): Outcome => ({ kind: 'retried', error: 'busy', delayMs })),
  fc.nat(5000).map((delayMs): Outcome => ({ kind: 'deferred', error: 'later', delayMs })),
  fc.constant<Outcome>({ kind: 'released', error: 'stopping' }),
)

/** One of the things so far; undefined when there is none. */
function pick<T>(from: readonly T[], at: number): T | undefined {
  return from[at % Math.max(from.length, 1)]
}

function steps(table: { rows: string; cancelled: string }): fc.Arbitrary<Step> {
  const claims = fc.record({ owner: fc.nat(2), limit: fc.integer({ min: 1, max: 4 }) }).map(
    ({ owner, limit }): Step => ({
      what: `worker ${owner} claims ${limit}`,
      run: async (rows, model) => model.begun.push(...(await rows.claim(limit, model.owners[owner]))),
    }),
  )
  // Also attempts that ended long ago: their workers are fenced.
  const ends = fc.record({ at: fc.nat(50), outcome: outcomes }).map(
    ({ at, outcome }): Step => ({
      what: `attempt ${at} ends: ${outcome.kind}`,
      async run(rows, { begun }) {
        const claimed = pick(begun, at)
        if (claimed) await rows.settle(claimed, outcome)
      },
    }),
  )
  const onRow = (what: string, run: (rows: Rows, id: string) => Promise<unknown>) =>
    fc.nat(50).map(
      (at): Step => ({
        what: `row ${at} ${what}`,
        async run(rows, { ids }) {
          const id = pick(ids, at)
          if (id) await run(rows, id)
        },
      }),
    )
  const simple = (what: string, run: Step['run']) => fc.constant<Step>({ what, run })
  return fc.oneof(
    { weight: 6, arbitrary: claims },
    { weight: 6, arbitrary: ends },
    {
      weight: 2,
      arbitrary: fc.nat(8000).map((ms): Step => ({ what: `${ms} ms`, run: async (rows) => rows.clock.advance(ms) })),
    },
    { weight: 1, arbitrary: simple('a lease expires', async (rows) => rows.clock.advance(LEASE_MS)) },
    { weight: 2, arbitrary: simple('reclaim', (rows) => rows.queue.reclaimExpired(rows.database)) },
    {
      weight: 1,
      arbitrary: onRow('is cancelled', (rows, id) => rows.queue.cancel(rows.database, { id, reason: 'no' })),
    },
    {
      weight: 1,
      arbitrary: onRow('is failed by hand', (rows, id) =>
        rows.database.query(
          `update ${table.rows} set status = 'failed', error = 'by hand' where id = $1 and status = 'running'`,
          [id],
        ),
      ),
    },
    {
      weight: 1,
      arbitrary: onRow('is reset by hand', (rows, id) =>
        rows.database.query(`update ${table.rows} set status = 'pending' where id = $1 and status = 'running'`, [id]),
      ),
    },
  )
}

describe.each(TABLES)('any interleaving over $name', ({ table }) => {
  let rows: Rows
  beforeAll(async () => {
    rows = await openRows(table)
  })
  afterAll(() => rows?.close())

  /** What must be true between any two statements. */
  async function check({ begun }: Model): Promise<void> {
    const { database } = rows
    const ended = [table.succeeded, table.cancelled, 'failed']
    const { rows: wrong } = await database.query(
      `select 'two of a group run' as what from ${table.rows} where status = 'running' and group_key is not null
         group by group_key having count(*) > 1
       union all select 'more failures than allowed' from ${table.rows} where failures > max_attempts or losses > ${MAX_LOSSES}
       union all select 'more failures than attempts' from ${table.rows} where failures + losses + deferrals > attempt
       union all select 'an owner without a running row' from ${table.rows} where (owner is null) = (status = 'running')
       union all select 'an end without a time' from ${table.rows} where (finished_at is null) = (status = any($1))
       union all select 'attempts are missing, or too many' from ${table.rows} job where attempt - (status = 'running')::integer
         <> (select count(*) from ${table.attempts} a where a.${table.attemptsKey} = job.id and a.attempt <= job.attempt)
       union all select 'a running attempt has a row' from ${table.rows} job join ${table.attempts} a
         on a.${table.attemptsKey} = job.id and a.attempt = job.attempt where job.status = 'running'
       union all select 'failures are not those of the attempts' from ${table.rows} job where failures > (
         select count(*) from ${table.attempts} a where a.${table.attemptsKey} = job.id and outcome in ('retried', 'failed'))
       union all select 'losses are not those of the attempts' from ${table.rows} job where losses <> (
         select count(*) from ${table.attempts} a where a.${table.attemptsKey} = job.id and outcome = 'lost')`,
      [ended],
    )
    expect(wrong).toEqual([])
    // No attempt was handed out twice.
    const keys = begun.map(({ id, attempt }) => `${id}:${attempt}`)
    expect(new Set(keys).size).toBe(keys.length)
  }

  it('keeps one running row per group, one row per attempt, and failures within their maximum', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ group: fc.option(fc.constantFrom('g', 'h'), { nil: undefined }), holds: fc.boolean() }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(steps(table), { minLength: 5, maxLength: 40 }),
        async (made, script) => {
          await rows.clear()
          const ids = await rows.add(
            made.map(({ group, holds }) => ({ holds, maxAttempts: MAX_ATTEMPTS, ...(group ? { group } : {}) })),
          )
          const model: Model = { ids, begun: [], owners: [newId(), newId(), newId()] }
          for (const step of script) {
            await step.run(rows, model)
            await check(model)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('comes to an end: every row that is claimed often enough has ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(outcomes, { minLength: 1, maxLength: 6 }), async (script) => {
        await rows.clear()
        const [id = ''] = await rows.add([{ maxAttempts: MAX_ATTEMPTS }])
        // A deferred attempt may be repeated for ever; failures and losses may not.
        const counted = script.filter(({ kind }) => kind !== 'deferred' && kind !== 'released')
        const endless = [...counted, ...Array.from({ length: MAX_LOSSES }, () => 'lost' as const)]
        for (const outcome of endless) {
          const [claimed] = await rows.claim()
          if (!claimed) break
          if (outcome !== 'lost') await rows.settle(claimed, outcome)
          rows.clock.advance(LEASE_MS)
          await rows.queue.reclaimExpired(rows.database)
          rows.clock.advance(600_000)
        }
        expect([table.succeeded, table.cancelled, 'failed']).toContain((await rows.read(id)).status)
      }),
      { numRuns: 25 },
    )
  })
})
