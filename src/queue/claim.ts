// Taking due rows: the one statement all workers compete with.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { Claimed, QueueTable } from './table.ts'

/**
 * Rows looked at per row wanted: a worker passes over the ones another is just taking and still
 * fills its slots.
 */
const WINDOW = 2
const RACES = 10

/**
 * A row of a group that has a running row may not start; one held back by its back-off does not
 * hold up its group.
 */
function unblocked(table: QueueTable) {
  return `(group_key is null or group_key not in
        (select group_key from ${table.rows} where status = 'running' and group_key is not null))`
}

// Measured on PostgreSQL 18, two slow cores, 200,000 finished and 50,000 queued rows: 0.3 ms for
// one row, 0.6 ms for 16, the same behind 50,000 delayed rows of the highest priority and before
// the table was ever analysed. A row of a blocked group that stands in front costs 0.2 µs (10,000
// of them: 2 ms more; a window over all due rows would be 70 ms).
// - One priority at a time, because one index scan over (priority, available_at) would walk the
// delayed rows of each.
// - Only a group's first row is a candidate, so that a locked one is never overtaken by the second
// of its group.
// - Candidates are found without locks; `skip locked` then takes the first free ones, one row at a
// time.
function claimStatement(table: QueueTable) {
  return `
with due as materialized (
  select row_number() over () as place, waiting.id, waiting.group_key
  from generate_series(10, 1, -1) as level,
  lateral (
    select id, group_key from ${table.rows}
    where status = 'pending' and priority = level and available_at <= coalesce($1::timestamptz, now())
      and ${unblocked(table)}
    order by available_at
    limit $4::integer
  ) as waiting
  limit $4::integer
), candidate as (
  select id, place, group_key is null or row_number() over (partition by group_key order by place) = 1 as head from due
), picked as (
  select job.id from candidate join ${table.rows} as job using (id)
  where candidate.head and job.status = 'pending'
  order by candidate.place
  limit $3::integer
  for no key update of job skip locked
), claimed as (
  update ${table.rows} as job
  set status = 'running', owner = $2::uuid, attempt = job.attempt + 1,
    started_at = coalesce(job.started_at, $1::timestamptz, now()),
    available_at = coalesce($1::timestamptz, now()) + $5::float8 * interval '1 ms'
  from picked where job.id = picked.id
  returning job.*
), opened as (
  insert into ${table.attempts} (${table.attemptsKey}, attempt, owner, started_at)
  select id, attempt, owner, coalesce($1::timestamptz, now()) from claimed
)
select * from claimed order by priority desc, created_at`
}

/**
 * A group's index entry or another worker's row was there first: 23505 unique violation, 40P01
 * deadlock of two claims.
 */
function lostRace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === '23505' || code === '40P01'
}

/**
 * Takes up to `limit` due rows: highest priority first, then the longest due, never two of a group
 * at a time. Each becomes `running` with a lease of `leaseMs` and its attempt is opened. The
 * guarantee that a group runs alone is the unique index on running rows; the query only makes
 * losing that race rare. Fewer rows than `limit` does not mean that none is left.
 */
export async function claim<Row extends object>(
  sql: Sql,
  table: QueueTable,
  clock: Clock,
  options: { owner: string; limit: number; leaseMs: number },
): Promise<Claimed<Row>[]> {
  const { owner, limit, leaseMs } = options
  const window = limit * WINDOW
  for (let race = 1; ; race++) {
    try {
      const values = [clock.sqlNow(), owner, limit, window, leaseMs]
      return (await sql.query<Claimed<Row>>(claimStatement(table), values, `claim ${table.rows}`)).rows
    } catch (error) {
      if (!lostRace(error)) throw error
      // The winner has committed by now and its group is seen as running: the rest of the batch is
      // tried again.
      if (race === RACES) return []
    }
  }
}

/**
 * Milliseconds until the first row that may start is due, and until the first lease runs out; 0 or
 * less is now, null is never.
 */
export async function nextDue(
  sql: Sql,
  table: QueueTable,
  clock: Clock,
): Promise<{ claimMs: number | null; lapseMs: number | null }> {
  const { rows } = await sql.query<{ claimMs: number | null; lapseMs: number | null }>(
    `
with moment as (select coalesce($1::timestamptz, now()) as at)
select
  (select extract(epoch from min(waiting.available_at) - at)::float8 * 1000
    from generate_series(10, 1, -1) as level,
    lateral (
      select available_at from ${table.rows}
      where status = 'pending' and priority = level and ${unblocked(table)}
      order by available_at limit 1
    ) as waiting) as "claimMs",
  (select extract(epoch from available_at - at)::float8 * 1000
    from ${table.rows} where status = 'running' order by available_at limit 1) as "lapseMs"
from moment`,
    [clock.sqlNow()],
    `next due ${table.rows}`,
  )
  return rows[0] ?? { claimMs: null, lapseMs: null }
}
