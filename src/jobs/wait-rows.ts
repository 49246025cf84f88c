// The rows of what jobs wait for: begun, so that no event is missed, and ended.
import type { Database, Sql } from '../db/database.ts'
import type { Event } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import type { Asked } from './approval.ts'
import type { PayloadOf } from './early-event.ts'
import { findEvent, horizonOf, laterOf, placeOf } from './early-event.ts'
import type { AttemptRef } from './fence.ts'
import { fenced, LEASED, refValues } from './fence.ts'
import type { Place, Wanted } from './wanted.ts'

// The lock of `signalbox.lock_routing`.
const ROUTING_LOCK = 1463897429

/** One wait of a job as it is stored. */
export type Wait = {
  name: string
  kind: 'sleep' | 'event' | 'approval'
  attempt: number
  since: Date
  until: Date
  hasEnded: boolean
  /** Whether its time is up, by the database's clock, and how long it has left. */
  isOver: boolean
  leftMs: number
  eventId: string | null
  approval: Asked | null
  repository: string | null
  number: number | null
  result: unknown
}

/** A wait about to begin. */
export type NewWait = {
  name: string
  kind: Wait['kind']
  until: { ms: number } | { at: Date }
  wanted?: Wanted | undefined
  place?: Place | undefined
  approval?: Asked
}
const NOW = 'coalesce($1::timestamptz, now())'
const COLUMNS = `name, kind, attempt, since, until, ended_at is not null as "hasEnded", until <= ${NOW} as "isOver",
  extract(epoch from until - ${NOW})::float8 * 1000 as "leftMs", event_id as "eventId", approval,
  repository, number::float8 as number, result`

/** The waits of a job. */
export async function readWaits(sql: Sql, clock: Clock, jobId: string): Promise<Wait[]> {
  const text = `select ${COLUMNS} from signalbox.job_waits where job_id = $2`
  return (await sql.query<Wait>(text, [clock.sqlNow(), jobId], 'waits')).rows
}
/** Ends a wait whose time is up, unless an event was first; what it came to. */
export async function endWait(sql: Sql, clock: Clock, ref: AttemptRef, name: string): Promise<Wait> {
  const { rowCount } = await sql.query(
    `with leased as (${LEASED}), ended as (
       update signalbox.job_waits set ended_at = coalesce($4::timestamptz, now()) from leased
       where job_id = leased.id and name = $5 and ended_at is null
     )
     select from leased`,
    [...refValues(ref), clock.sqlNow(), name],
  )
  if (rowCount === 0) throw fenced()
  return storedWait(sql, clock, ref.id, name)
}

/** One wait of a job as it is now. */
export async function storedWait(sql: Sql, clock: Clock, jobId: string, name: string): Promise<Wait> {
  const text = `select ${COLUMNS} from signalbox.job_waits where job_id = $2 and name = $3`
  const { rows } = await sql.query<Wait>(text, [clock.sqlNow(), jobId, name])
  if (rows[0] === undefined) throw fenced()
  return rows[0]
}
/**
 * Stores a wait, or the event that came between the job's own and it. No event is missed: the
 * transactions that record events have ended when this one has the lock, and those that come after
 * it see the wait.
 */
// What is old is read before the lock, because recording waits as long as it is held.
export async function beginWait(
  { database, clock, payloadOf }: { database: Database; clock: Clock; payloadOf: PayloadOf },
  ref: AttemptRef,
  { wait, event }: { wait: NewWait; event: Pick<Event, 'id'> | null },
): Promise<Wait> {
  const { wanted, place, kind } = wait
  if (wanted === undefined || place === undefined) {
    await insertWait(database, clock, ref, wait)
    return storedWait(database, clock, ref.id, wait.name)
  }
  // By itself: who inserts events must know of the types before it sees the wait.
  await database.query(
    `insert into signalbox.awaited_types as t (type, since) select unnest($2::text[]), ${NOW}
     on conflict (type) do update set since = excluded.since where t.since < excluded.since - interval '1 hour'`,
    [clock.sqlNow(), [...new Set(wanted.types)]],
  )
  const asked = { wanted, place }
  // What was said before it was asked is no answer.
  const from = event === null || kind === 'approval' ? null : await placeOf(database, event.id)
  const horizon = await horizonOf(database)
  const early = from === null ? null : await findEvent(database, asked, from, payloadOf)
  return database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1, 0)', [ROUTING_LOCK])
    await insertWait(tx, clock, ref, wait)
    const found = early ?? (from === null ? null : await findEvent(tx, asked, laterOf(from, horizon), payloadOf))
    if (found !== null) {
      await tx.query(
        `update signalbox.job_waits set ended_at = ${NOW}, event_id = $4
         where job_id = $2 and name = $3 and ended_at is null`,
        [clock.sqlNow(), ref.id, wait.name, found],
      )
    }
    return storedWait(tx, clock, ref.id, wait.name)
  })
}

async function insertWait(sql: Sql, clock: Clock, ref: AttemptRef, wait: NewWait): Promise<void> {
  const { name, kind, until, wanted = null, place, approval = null } = wait
  const { rowCount } = await sql.query(
    `with leased as (${LEASED}), now as (select coalesce($4::timestamptz, now()) as at), stored as (
       insert into signalbox.job_waits (job_id, name, kind, attempt, wanted, repository, number, approval, since, until)
       select id, $5, $6, attempt, $7::json, $8, $9, $10::json, at,
         coalesce($11::timestamptz, at + $12::float8 * interval '1 ms')
       from leased, now
       on conflict do nothing
     )
     select from leased`,
    [
      ...refValues(ref),
      clock.sqlNow(),
      name,
      kind,
      wanted && JSON.stringify(wanted),
      place?.repository ?? null,
      place?.number ?? null,
      approval === null ? null : JSON.stringify(approval),
      'at' in until ? until.at : null,
      'ms' in until ? until.ms : null,
    ],
  )
  if (rowCount === 0) throw fenced()
}
/**
 * Wakes those of these jobs, which have just begun to wait, that were answered meanwhile: what came
 * before their rows said that they wait has woken nobody.
 */
export async function wakeAnswered(
  tx: Sql,
  clock: Clock,
  waiting: readonly { row: { id: string }; waits: readonly Pick<Wait, 'name'>[] }[],
): Promise<void> {
  const pairs = waiting.flatMap(({ row, waits }) => waits.map(({ name }) => ({ id: row.id, name })))
  if (pairs.length === 0) return
  const { rowCount } = await tx.query(
    `update signalbox.jobs set status = 'pending', available_at = ${NOW}
     where id = any(array(
       select w.job_id from signalbox.job_waits w
       join unnest($2::uuid[], $3::text[]) as given (job_id, name) using (job_id, name) 
       where w.ended_at is not null or exists (
         select from signalbox.job_answers a where a.job_id = w.job_id and a.name = w.name and a.judged_at is null)
     )) and coalesce(status, '') = 'waiting'`,
    [clock.sqlNow(), pairs.map(({ id }) => id), pairs.map(({ name }) => name)],
  )
  if (rowCount > 0) await tx.query(`select pg_notify('signalbox', 'jobs')`)
}
