// How attempts end: by their worker, with what follows from it, or called off by a person.
import type { Database, Sql } from '../db/database.ts'
import { storable } from '../db/text.ts'
import type { Attempt, Ending, Handled, Outcome, QueueOptions, QueueTable, Settled } from './table.ts'

const NOW = 'coalesce($1::timestamptz, now())'
const MAX_ERROR_CHARS = 10_000
/** How often a row is put off or released before it fails, so that none goes on for ever. */
export const MAX_DEFERRALS = 1000

/** What has become of an attempt and its row. */
export type Ended = Attempt & Pick<Settled, 'outcome' | 'status' | 'error'>

/** Ending attempts. */
export type Settlement<Detail> = {
  /**
   * Ends attempts of one owner, all or none of them, and writes their rows; returns those that
   * were still its own. For the others nothing has changed. A row that a person has ended becomes
   * what the person said, whatever the outcome.
   */
  settle(sql: Sql, options: { owner: string; endings: readonly Ending<Detail>[] }): Promise<Ended[]>
  /**
   * Calls a row off. A running one stays its worker's, who is notified, until it has let go of it.
   * False when it had ended already.
   */
  cancel(sql: Sql, options: { id: string; reason: string }): Promise<boolean>
  /** Which of these rows nobody else has locked; locks them until the end of the transaction. */
  lockFree(sql: Sql, ids: readonly string[]): Promise<Set<string>>
  /**
   * Releases what an owner has besides the rows it knows of: their claim was made, but its answer
   * got lost.
   */
  releaseUnclaimed(sql: Sql, options: { owner: string; known: readonly string[] }): Promise<void>
}

/**
 * Runs in the transaction that ends attempts, so that what follows from an end commits with it.
 * Returns whether it made work for others, who are then notified after the commit.
 */
export type OnSettled<Row extends object, Detail> = (tx: Sql, settled: Settled<Row, Detail>[]) => Promise<boolean>

/** Where attempts end, and what follows from it. */
export type Hooks<Row extends object, Detail> = {
  database: Database
  onSettled?: OnSettled<Row, Detail> | undefined
  /**
   * Whether `onSettled` must see an attempt that its worker ends. Where it need not see any of a
   * batch they end by one statement, without a transaction around it. Default: it sees all.
   */
  mustSee?: ((handled: Handled<Detail>) => boolean) | undefined
  /** Called after the commit with what has ended. */
  afterSettled?: ((settled: readonly Settled<Row, Detail>[]) => void) | undefined
  /**
   * Notifies workers, those of other processes too, that there may be something for them: `same`
   * are those of this table, `any` those of other tables as well. Called often.
   */
  notify?: ((whom: 'same' | 'any') => void) | undefined
}

/** The settlement of one table. */
export function settlementOn<Detail>({ table, clock }: QueueOptions<Detail>): Settlement<Detail> {
  const text = settleStatement(table)
  const settle: Settlement<Detail>['settle'] = async (sql, { owner, endings: unordered }) => {
    const endings = unordered.toSorted(byId)
    const values = [
      clock.sqlNow(),
      owner,
      endings.map((ending) => ending.id),
      endings.map((ending) => ending.attempt),
      endings.map(({ outcome }) => outcome.kind),
      endings.map(({ outcome }) => errorOf(outcome)),
      endings.map(({ outcome }) => ('delayMs' in outcome ? outcome.delayMs : 0)),
      ...table.detail.map((column) => endings.map(({ detail }) => (detail === null ? null : column.of(detail)))),
    ]
    return (await sql.query<Ended>(text, values, `settle ${table.rows}`)).rows
  }
  return {
    settle,
    async cancel(sql, { id, reason }) {
      // What this means for a running row is in the table's trigger.
      const { rowCount } = await sql.query(
        `update ${table.rows} set status = '${table.cancelled}', error = $3, finished_at = ${NOW}
         where id = $2::uuid and status in ('pending', 'running', 'waiting')`,
        [clock.sqlNow(), id, storable(reason, MAX_ERROR_CHARS)],
      )
      return rowCount === 1
    },
    async lockFree(sql, ids) {
      const { rows } = await sql.query<{ id: string }>(
        `select id from ${table.rows} where id = any($1::uuid[]) for no key update skip locked`,
        [ids],
      )
      return new Set(rows.map(({ id }) => id))
    },
    async releaseUnclaimed(sql, { owner, known }) {
      const { rows } = await sql.query<Attempt>(
        `select id, attempt from ${table.rows} where status = 'running' and owner = $1::uuid and id <> all($2::uuid[])`,
        [owner, known],
      )
      const error = 'Released: the database went away while it was being claimed.'
      const endings = rows.map((row) => ({ ...row, outcome: { kind: 'released', error } as const, detail: null }))
      if (endings.length > 0) await settle(sql, { owner, endings })
    },
  }
}

function errorOf(outcome: Outcome): string | null {
  const { error = null } = 'error' in outcome ? outcome : {}
  return error && storable(error, MAX_ERROR_CHARS)
}

/**
 * The order in which settlements and renewals lock rows. They run at the same time, and two that
 * lock the same rows in different orders would wait for each other.
 */
export function byId(one: Attempt, other: Attempt): number {
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0
}

/**
 * Ends attempts by `end` and calls the hook with them, all of it or nothing. Without a hook that
 * must see them `end` is its own transaction.
 */
export async function settleWithHook<Row extends object, Detail>(
  { database, onSettled, afterSettled, notify }: Hooks<Row, Detail>,
  end: (sql: Sql) => Promise<Settled<Row, Detail>[]>,
  isSeen = true,
): Promise<Settled<Row, Detail>[]> {
  let madeWork = false
  const together = async (tx: Sql) => {
    const ended = await end(tx)
    if (ended.length > 0) madeWork = (await onSettled?.(tx, ended)) ?? false
    return ended
  }
  try {
    const settled = await (onSettled && isSeen ? database.transaction(together) : end(database))
    afterSettled?.(settled)
    return settled
  } finally {
    // After a failure too: it may have been committed, and its answer lost.
    if (madeWork) notify?.('any')
  }
}

/**
 * The part of a statement that writes the rows of ended attempts, from a table expression with
 * `id`, `attempt`, `owner`, `outcome`, `attempt_error`, `attempt_started_at` and detail columns.
 * An attempt number that a person has set back keeps its first row.
 */
export function insertAttempts(table: QueueTable, from: string, detail: QueueTable['detail'] = []): string {
  const names = detail.map(({ name }) => `${name}, `).join('')
  const values = detail.map(({ name, type }) => `${name}::${type}, `).join('')
  return `
  insert into ${table.attempts} (${table.attemptsKey}, attempt, owner, outcome, error, ${names}started_at, finished_at)
  select id, attempt, owner, outcome, attempt_error, ${values}coalesce(attempt_started_at, ${NOW}), ${NOW}
  from ${from}
  on conflict do nothing`
}

/** The statuses of a row that waits for its next attempt; all others but `running` are ends. */
export const WAITING = `('pending', 'waiting')`

// Rows are found by id and by nothing else, one look-up each: the rest of the fence is a comparison
// of rows, which hides it from the planner. By `status` and `owner` it expected one row only, and
// read the whole table, all dead entries of the index on running rows, or all endings for each.
function settleStatement<Detail>(table: QueueTable<Detail>): string {
  const isByHand = 'job.ends_as is not null'
  const isPutOff = `ending.kind in ('deferred', 'released')`
  const isTooOften = `(${isPutOff} and job.deferrals + 1 >= ${MAX_DEFERRALS})`
  const isLast = `(ending.kind = 'failed' or ${isTooOften} or
      (ending.kind = 'retried' and job.failures + 1 >= job.max_attempts))`
  const names = table.detail.map(({ name }) => `, ${name}`).join('')
  const arrays = table.detail.map((_, index) => `, $${8 + index}::text[]`).join('')
  return `
with ending as (
  select * from unnest($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::float8[]${arrays})
    as ending (id, attempt, kind, attempt_error, delay_ms${names})
), settled as (
  update ${table.rows} as job set
    status = case
      when ${isByHand} then job.ends_as
      when ending.kind = 'completed' then '${table.succeeded}'
      when ending.kind = 'cancelled' then '${table.cancelled}'
      when ${isLast} then 'failed'
      when ending.kind = 'waiting' then 'waiting'
      else 'pending' end,
    failures = job.failures + (ending.kind in ('retried', 'failed') and job.ends_as is null)::integer,
    deferrals = job.deferrals + (${isPutOff} and job.ends_as is null)::integer,
    available_at = case
      when ending.kind = 'released' or ${isByHand} then least(job.created_at, ${NOW})
      when ending.kind in ('retried', 'deferred', 'waiting') then ${NOW} + ending.delay_ms * interval '1 ms'
      else job.available_at end,
    finished_at = case
      when ${isByHand} then case when job.ends_as not in ${WAITING} then ${NOW} end
      when ending.kind in ('completed', 'cancelled') or ${isLast} then ${NOW} end,
    error = case
      when ${isByHand} then job.error
      when ${isTooOften} then 'Given up after ${MAX_DEFERRALS} attempts without a result. ' || ending.attempt_error
      when ending.kind <> 'completed' then ending.attempt_error end,
    owner = null
  from ending
  where job.id = ending.id
    and (job.attempt, job.owner, job.status) is not distinct from (ending.attempt, $2::uuid, 'running')
  returning job.id, job.attempt, job.status, job.error, job.attempt_started_at, $2::uuid as owner,
    case when ${isByHand} then 'cancelled'
      when ending.kind in ('completed', 'cancelled', 'waiting') then ending.kind
      when job.status = 'failed' then 'failed' else 'retried' end as outcome,
    case when ${isByHand} then job.error else ending.attempt_error end as attempt_error${table.detail
      .map(({ name }) => `, ending.${name}`)
      .join('')}
), attempted as (${insertAttempts(table, 'settled', table.detail)}
)
select id, attempt, outcome, status, error from settled`
}
