// The lease of a claimed row: it is renewed by its worker, or expires and is reclaimed from it.
import type { Sql } from '../db/database.ts'
import { byId, insertAttempts, WAITING } from './settle.ts'
import type { Attempt, Claimed, QueueOptions, QueueTable, Settled } from './table.ts'

const NOW = 'coalesce($1::timestamptz, now())'

/** How often the worker of a row may be lost before the row fails. */
export const MAX_LOSSES = 10
/** The back-off begins with the second loss, so that a row which ends every worker cannot spin. */
const LOSS_BACKOFF = { baseMs: 1000, maxMs: 600_000 }

/**
 * An attempt that still has its row; `isEnding` when a person has ended that. Its lease was not
 * renewed, `isRenewed` says, when somebody else has locked the row just now.
 */
export type Renewed = Attempt & { isEnding: boolean; isRenewed: boolean }

/** Leases of one table. */
export type Leases<Row extends object> = {
  /**
   * Extends the leases of these attempts; returns those that are still the owner's. One that is
   * missing was reclaimed. It waits for no lock: a row that somebody else has locked would keep
   * the others from being renewed.
   */
  renew(sql: Sql, options: { owner: string; attempts: readonly Attempt[]; leaseMs: number }): Promise<Renewed[]>
  /**
   * Takes up to `limit` (100) rows from workers whose lease expired, the longest lost first. Their
   * attempts are `lost`, which is no failure: a row may start again at once after its first loss,
   * later and later after the next ones, and fails with the tenth. `except` are rows whose worker
   * is asking: as long as nobody has reclaimed an expired row, its lease can be renewed.
   */
  reclaimExpired(
    sql: Sql,
    options?: { limit?: number | undefined; except?: readonly string[] },
  ): Promise<Settled<Row, never>[]>
  /** Leaves an expired row that cannot be reclaimed now to its lost worker for `delayMs` more. */
  deferReclaim(sql: Sql, lost: Attempt, delayMs: number): Promise<void>
  /** Expires the leases of owners that are known to be dead, so that they are reclaimed at once. */
  expireLeases(sql: Sql, owners: readonly string[]): Promise<void>
}

/** The leases on one table. */
export function leasesOn<Row extends object>({ table, clock }: QueueOptions): Leases<Row> {
  const { rows: jobs } = table
  const renewText = renewStatement(table)
  const reclaimText = reclaimStatement(table)
  return {
    async renew(sql, { owner, attempts, leaseMs }) {
      const inOrder = attempts.toSorted(byId)
      const ids = inOrder.map((one) => one.id)
      const numbers = inOrder.map((one) => one.attempt)
      const values = [clock.sqlNow(), leaseMs, ids, numbers, owner]
      return (await sql.query<Renewed>(renewText, values, `renew ${jobs}`)).rows
    },
    async reclaimExpired(sql, { limit = 100, except = [] } = {}) {
      type Reclaimed = Claimed<Row> & { status: string; error: string; lost_owner: string; ends_as: string | null }
      const { rows } = await sql.query<Reclaimed>(reclaimText, [clock.sqlNow(), limit, except], `reclaim ${jobs}`)
      return rows.map((row) => {
        const { attempt, status, error, ends_as: endsAs } = row
        const outcome = endsAs === null ? 'lost' : 'cancelled'
        return { row: { ...row, owner: row.lost_owner }, attempt, outcome, status, error, detail: null }
      })
    },
    async deferReclaim(sql, { id, attempt }, delayMs) {
      await sql.query(
        `update ${jobs} set available_at = ${NOW} + $2::float8 * interval '1 ms'
         where id = $3::uuid and attempt = $4::integer and status = 'running' and available_at <= ${NOW}`,
        [clock.sqlNow(), delayMs, id, attempt],
      )
    },
    async expireLeases(sql, owners) {
      await sql.query(
        `update ${jobs} set available_at = ${NOW}
         where status = 'running' and available_at > ${NOW} and owner = any($2::uuid[])`,
        [clock.sqlNow(), owners],
      )
    },
  }
}

// Rows are found by id, as in settle.ts.
function renewStatement({ rows }: QueueTable): string {
  return `
with mine as materialized (
  select job.id, job.attempt, job.ends_as is not null as "isEnding"
  from unnest($3::uuid[], $4::integer[]) as mine (id, attempt)
  join ${rows} as job on job.id = mine.id
    and (job.attempt, job.owner, job.status) is not distinct from (mine.attempt, $5::uuid, 'running')
), free as (
  select job.id from mine join ${rows} as job on job.id = mine.id for no key update of job skip locked
), renewed as (
  update ${rows} as job set available_at = ${NOW} + $2::float8 * interval '1 ms'
  from free
  where job.id = free.id and (job.owner, job.status) is not distinct from ($5::uuid, 'running')
  returning job.id
)
select mine.*, renewed.id is not null as "isRenewed" from mine left join renewed using (id)`
}

// A row that is lost for the first time goes back to the front of its group. What a person has
// ended needs no further attempt.
function reclaimStatement(table: QueueTable): string {
  const isLast = `job.losses + 1 >= ${MAX_LOSSES}`
  const backoff = `least(${LOSS_BACKOFF.maxMs}, ${LOSS_BACKOFF.baseMs} * 2 ^ (job.losses - 1)) * interval '1 ms'`
  return `
with expired as (
  select id, owner from ${table.rows} where status = 'running' and available_at <= ${NOW}
    and id <> all($3::uuid[])
  order by available_at limit $2::integer for no key update skip locked
), reclaimed as (
  update ${table.rows} as job set
    status = case when job.ends_as is not null then job.ends_as when ${isLast} then 'failed' else 'pending' end,
    losses = job.losses + (job.ends_as is null)::integer,
    finished_at = case
      when job.ends_as is not null then case when job.ends_as not in ${WAITING} then ${NOW} end
      when ${isLast} then ${NOW} end,
    available_at = case when job.losses > 0 and job.ends_as is null then ${NOW} + ${backoff}
      else least(job.created_at, job.available_at) end,
    error = case when job.ends_as is not null then job.error
      else 'The worker was lost during attempt ' || job.attempt || '.' end,
    owner = null
  from expired
  where job.id = any(array(select id from expired)) and job.id = expired.id
  returning job.*, expired.owner as lost_owner
), attempted as (${insertAttempts(
    table,
    `(select id, attempt, lost_owner as owner, case when ends_as is null then 'lost' else 'cancelled' end as outcome,
      error as attempt_error, attempt_started_at
    from reclaimed where lost_owner is not null) as lost`,
  )}
)
select * from reclaimed`
}
