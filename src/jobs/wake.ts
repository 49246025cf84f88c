// What an event means for the jobs that wait: those it was waited for by are woken, in the
// transaction that records it.
import type { Sql } from '../db/database.ts'
import type { Draft } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import type { Json } from '../lib/json.ts'
import type { Approval } from './approval.ts'
import { answerIn, endedText, storeAnswers } from './approval.ts'
import type { PayloadOf } from './early-event.ts'
import type { Arriving, Wanted } from './wanted.ts'
import { isOfType, isWanted } from './wanted.ts'

/**
 * The types that any job has waited for, as globs. The version that events are inserted by moves
 * with each new one, so that no process misses one.
 */
export async function loadAwaited(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ type: string }>('select type from signalbox.awaited_types', [], 'awaited types')
  return rows.map(({ type }) => type)
}

/** Whether any job may wait for an event. */
export function isAwaited(types: readonly string[], event: Draft): boolean {
  return types.length > 0 && event.rejected === undefined && isOfType(types, event)
}

type Open = {
  job_id: string
  name: string
  kind: 'event' | 'approval'
  wanted: Wanted | null
  until: Date
  result: Approval | null
  hasEnded: boolean
  jobHasEnded: boolean
  /** The place of the event in the list, from 1. */
  nth: number
}

/**
 * Ends the waits that these new events are for, each by the first of them, and notes the answers to
 * approvals; wakes their jobs, and notifies the workers when the transaction commits.
 */
// Of all events together, and sorted, so that two transactions never wait for each other's rows.
export async function wakeFor(
  tx: Sql,
  { clock, payloadOf }: { clock: Clock; payloadOf: PayloadOf },
  events: readonly Draft[],
): Promise<void> {
  const arriving = events.map((event): Arriving => ({ ...event, says: () => payloadOf(event) as Json | undefined }))
  const { rows } = await tx.query<Open>(
    OPEN,
    [events.map(({ facts }) => facts.repository ?? ''), events.map(({ facts }) => facts.number ?? 0), clock.sqlNow()],
    'open waits',
  )
  const found = rows.filter(({ wanted, nth, jobHasEnded, kind }) => {
    const event = arriving[nth - 1]
    return event !== undefined && (!jobHasEnded || kind === 'approval') && wanted !== null && isWanted(wanted, event)
  })
  const idOf = ({ nth }: Open) => events[nth - 1]?.id ?? ''
  const woken = await endWaits(
    tx,
    clock,
    found.filter(({ kind }) => kind === 'event').map((open) => ({ ...open, eventId: idOf(open) })),
  )
  const answers = found
    .filter(({ kind }) => kind === 'approval')
    .flatMap((open) => answerOf(open, events[open.nth - 1], payloadOf))
  await storeAnswers(tx, clock, answers)
  const answered = answers.filter(({ refusal }) => refusal === null).map(({ jobId }) => jobId)
  await forget(tx, clock, rows)
  await wakeJobs(tx, clock, [...woken, ...answered])
}

/** What an event answers to an approval; one that has ended is answered too late. */
function answerOf(
  { job_id: jobId, name, hasEnded, jobHasEnded, result, until }: Open,
  event: Draft | undefined,
  payloadOf: PayloadOf,
) {
  const answer = event === undefined ? null : answerIn(event, payloadOf(event))
  if (event === undefined || answer === null) return []
  const isLate = hasEnded || jobHasEnded
  if (isLate && answer.decision === 'moved') return []
  const how = hasEnded ? endedText(result, until) : 'the job has ended'
  return [{ ...answer, jobId, name, eventId: event.id, refusal: isLate ? `too late: ${how}` : null }]
}

// Four look-ups for an event: of its repository and number, of one of the two, of none.
const OPEN = `
select w.job_id, w.name, w.kind, w.wanted, w.until, w.result, w.ended_at is not null or w.until <= coalesce($3::timestamptz, now()) as "hasEnded",
  j.finished_at is not null as "jobHasEnded", event.nth::integer as nth
from unnest($1::text[], $2::bigint[]) with ordinality as event (repository, number, nth),
lateral (
  select distinct on (r, n) r, n from unnest(array[event.repository, '']) as r, unnest(array[event.number, 0]) as n
) as place
join signalbox.job_waits w on coalesce(w.repository, '') = place.r and coalesce(w.number, 0) = place.n
  and w.kind <> 'sleep' and (w.ended_at is null or w.kind = 'approval')
join signalbox.jobs j on j.id = w.job_id
order by nth, w.job_id, w.name`

/** Ends waits by their first events; returns their jobs. */
async function endWaits(
  tx: Sql,
  clock: Clock,
  waits: readonly { job_id: string; name: string; eventId: string }[],
): Promise<string[]> {
  if (waits.length === 0) return []
  const first = new Map(waits.toReversed().map((wait) => [`${wait.job_id} ${wait.name}`, wait]))
  const chosen = [...first.values()]
  const { rows } = await tx.query<{ job_id: string }>(
    `with given as (
       select * from unnest($2::uuid[], $3::text[], $4::uuid[]) as given (job_id, name, event_id)
     ), locked as materialized (
       select w.job_id, w.name from signalbox.job_waits w join given using (job_id, name)
       order by w.job_id, w.name for no key update of w
     )
     update signalbox.job_waits w set ended_at = coalesce($1::timestamptz, now()), event_id = given.event_id
     from locked join given using (job_id, name)
     where w.job_id = locked.job_id and w.name = locked.name
       and w.ended_at is null and w.until > coalesce($1::timestamptz, now())
     returning w.job_id`,
    [
      clock.sqlNow(),
      chosen.map(({ job_id }) => job_id),
      chosen.map(({ name }) => name),
      chosen.map(({ eventId }) => eventId),
    ],
  )
  return rows.map(({ job_id }) => job_id)
}

/** Ends what jobs that have ended waited for, so that no event finds it again. */
async function forget(tx: Sql, clock: Clock, rows: readonly Open[]): Promise<void> {
  const ids = new Set(rows.filter(({ jobHasEnded, hasEnded }) => jobHasEnded && !hasEnded).map(({ job_id }) => job_id))
  if (ids.size === 0) return
  await tx.query(
    `update signalbox.job_waits w set ended_at = coalesce($1::timestamptz, now())
     where (job_id, name) in (
       select job_id, name from signalbox.job_waits where job_id = any($2::uuid[]) and ended_at is null
       order by job_id, name for no key update skip locked)`,
    [clock.sqlNow(), [...ids]],
  )
}

/**
 * Wakes those of these jobs that wait, and notifies the workers at the commit. One that still runs
 * is locked until then: when it is to wait, it finds what came meanwhile.
 */
export async function wakeJobs(tx: Sql, clock: Clock, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.query('select from signalbox.jobs where id = any($1::uuid[]) order by id for no key update', [ids])
  const { rowCount } = await tx.query(
    `update signalbox.jobs set status = 'pending', available_at = coalesce($1::timestamptz, now())
     where id = any($2::uuid[]) and coalesce(status, '') = 'waiting'`,
    [clock.sqlNow(), ids],
  )
  if (rowCount > 0) await tx.query(`select pg_notify('signalbox', 'jobs')`)
}
