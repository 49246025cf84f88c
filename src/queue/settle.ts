// What happens to a claimed row: its lease is renewed, its try ends, its worker is lost, or it is
// called off.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { Outcome, QueueTable, Settled, Try } from './table.ts'

const NOW = 'coalesce($1::timestamptz, now())'
const MAX_ERROR_CHARS = 10_000

/** PostgreSQL's text has no NUL character. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '').slice(0, MAX_ERROR_CHARS)
}

/**
 * Extends the leases of these tries; gives those that are still the owner's. One that is missing
 * was taken over or ended by hand.
 */
export async function renew(
  sql: Sql,
  table: QueueTable,
  clock: Clock,
  options: { owner: string; tries: readonly Try[]; leaseMs: number },
): Promise<Try[]> {
  const { rows } = await sql.query<Try>(
    `
update ${table.rows} as job set available_at = ${NOW} + $2::float8 * interval '1 ms'
from unnest($3::uuid[], $4::integer[]) as mine (id, attempt)
where job.id = mine.id and job.attempt = mine.attempt and job.owner = $5::uuid and job.status = 'running'
returning job.id, job.attempt`,
    [
      clock.sqlNow(),
      options.leaseMs,
      options.tries.map((one) => one.id),
      options.tries.map((one) => one.attempt),
      options.owner,
    ],
  )
  return rows
}

// The last part is for rows ended or reset by hand while they ran: nobody else closes their
// attempt.
function settleStatement(table: QueueTable) {
  return `
with ended as (
  select * from unnest($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::float8[])
    as ended (id, attempt, kind, error, result, delay_ms)
), settled as (
  update ${table.rows} as job set
    status = case
      when kind = 'completed' then '${table.succeeded}'
      when kind = 'cancelled' then '${table.cancelled}'
      when kind = 'failed' or (kind = 'retried' and job.attempt >= job.max_attempts) then 'failed'
      else 'pending' end,
    max_attempts = job.max_attempts + (kind in ('deferred', 'released'))::integer,
    available_at = case
      when kind in ('retried', 'deferred') then ${NOW} + ended.delay_ms * interval '1 ms'
      when kind = 'released' then least(job.created_at, ${NOW})
      else job.available_at end,
    finished_at = case when kind in ('completed', 'failed', 'cancelled') or (kind = 'retried' and job.attempt >= job.max_attempts)
      then ${NOW} end,
    error = ended.error,
    ${table.keepsResult ? 'result = ended.result::json,' : ''}
    owner = null
  from ended
  where job.id = ended.id and job.attempt = ended.attempt and job.owner = $2::uuid and job.status = 'running'
  returning job.id, job.attempt, job.status, job.error, ended.kind, ended.result
), closed as (
  update ${table.attempts} as try set
    outcome = case
      when settled.kind in ('completed', 'cancelled') then settled.kind
      when settled.status = 'failed' then 'failed' else 'retried' end,
    error = settled.error,
    ${table.keepsResult ? 'result = settled.result::json,' : ''}
    finished_at = ${NOW}
  from settled where try.${table.attemptsKey} = settled.id and try.attempt = settled.attempt
), closed_by_hand as (
  update ${table.attempts} as try set outcome = 'cancelled', error = job.error, finished_at = ${NOW}
  from ended join ${table.rows} as job on job.id = ended.id
  where try.${table.attemptsKey} = ended.id and try.attempt = ended.attempt and try.owner = $2::uuid
    and try.outcome is null
    and (job.attempt, job.owner, job.status) is distinct from (ended.attempt, $2::uuid, 'running')
)
select id, attempt, status, error from settled`
}

/**
 * Ends tries of one owner, all or none of them; gives those that were still its own. For the others
 * nothing has changed.
 */
export async function settle(
  sql: Sql,
  table: QueueTable,
  clock: Clock,
  options: { owner: string; ended: readonly (Try & { outcome: Outcome })[] },
): Promise<Settled[]> {
  const { ended } = options
  const errors = ended.map(({ outcome }) => ('error' in outcome ? storable(outcome.error) : null))
  const results = ended.map(({ outcome }) =>
    outcome.kind === 'completed' && outcome.result !== undefined ? JSON.stringify(outcome.result) : null,
  )
  const values = [
    clock.sqlNow(),
    options.owner,
    ended.map((one) => one.id),
    ended.map((one) => one.attempt),
    ended.map((one) => one.outcome.kind),
    errors,
    results,
    ended.map(({ outcome }) => ('delayMs' in outcome ? outcome.delayMs : 0)),
  ]
  const { rows } = await sql.query<Settled>(settleStatement(table), values, `settle ${table.rows}`)
  return rows
}

/**
 * Takes up to `limit` rows from workers whose lease ran out, the longest lost first: the attempt is
 * `lost`, the row may start again at once, or has failed when that was its last attempt.
 */
export async function recover(sql: Sql, table: QueueTable, clock: Clock, limit = 100): Promise<Settled[]> {
  const { rows } = await sql.query<Settled>(
    `
with lapsed as (
  select id from ${table.rows} where status = 'running' and available_at <= ${NOW}
  order by available_at limit $2 for no key update skip locked
), recovered as (
  update ${table.rows} as job set
    status = case when attempt >= max_attempts then 'failed' else 'pending' end,
    finished_at = case when attempt >= max_attempts then ${NOW} end,
    -- Back to the front of its group.
    available_at = least(created_at, available_at),
    error = 'The worker was lost during attempt ' || attempt || ' of ' || max_attempts || '.',
    owner = null
  from lapsed where job.id = lapsed.id
  returning job.id, job.attempt, job.status, job.error
), closed as (
  update ${table.attempts} as try set outcome = 'lost', error = recovered.error, finished_at = ${NOW}
  from recovered
  where try.${table.attemptsKey} = recovered.id and try.attempt = recovered.attempt and try.outcome is null
)
select * from recovered`,
    [clock.sqlNow(), limit],
  )
  return rows
}

/** Leaves a lost row, which cannot be taken just now, to the lost worker for another `delayMs`. */
export async function postpone(sql: Sql, table: QueueTable, clock: Clock, lost: Try, delayMs: number): Promise<void> {
  await sql.query(
    `update ${table.rows} set available_at = ${NOW} + $2::float8 * interval '1 ms'
     where id = $3::uuid and attempt = $4::integer and status = 'running' and available_at <= ${NOW}`,
    [clock.sqlNow(), delayMs, lost.id, lost.attempt],
  )
}

/**
 * Gives back what this owner has besides the rows it knows of: their claim was made, but its answer
 * got lost.
 */
export async function releaseUnknown(
  sql: Sql,
  table: QueueTable,
  clock: Clock,
  options: { owner: string; known: readonly string[] },
): Promise<void> {
  const { owner, known } = options
  const { rows } = await sql.query<Try>(
    `select id, attempt from ${table.rows} where status = 'running' and owner = $1::uuid and id <> all($2::uuid[])`,
    [owner, known],
  )
  const outcome: Outcome = { kind: 'released', error: 'Released: the database went away while it was being claimed.' }
  if (rows.length > 0) await settle(sql, table, clock, { owner, ended: rows.map((one) => ({ ...one, outcome })) })
}

/**
 * Ends every lease now, for a process that knows no other can be alive: what a killed one left is
 * taken over at once.
 */
export async function lapseAll(sql: Sql, table: QueueTable, clock: Clock): Promise<void> {
  await sql.query(`update ${table.rows} set available_at = ${NOW} where status = 'running' and available_at > ${NOW}`, [
    clock.sqlNow(),
  ])
}

/**
 * Calls a row off, waiting or running; its worker is fenced and learns of it at its next renewal.
 * False when it had ended already.
 */
export async function cancel(
  sql: Sql,
  table: QueueTable,
  clock: Clock,
  options: { id: string; reason: string },
): Promise<boolean> {
  const { rows } = await sql.query(
    `
with ended as (
  update ${table.rows} set status = '${table.cancelled}', owner = null, error = $3, finished_at = ${NOW}
  where id = $2::uuid and status in ('pending', 'running', 'waiting')
  returning id, attempt
), closed as (
  update ${table.attempts} as try set outcome = 'cancelled', error = $3, finished_at = ${NOW}
  from ended where try.${table.attemptsKey} = ended.id and try.attempt = ended.attempt and try.outcome is null
)
select id from ended`,
    [clock.sqlNow(), options.id, storable(options.reason)],
  )
  return rows.length === 1
}
