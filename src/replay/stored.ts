// Stored events as they are decided about again: what rules match on, without the bodies.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import type { StoredEvent } from '../decide.ts'
import { AppError } from '../lib/error.ts'
import { likePattern } from '../lib/glob.ts'
import { isUuid } from '../lib/id.ts'

/** An event, and what its jobs had as the time of it. */
export type Replayable = StoredEvent & {
  received_at: string
  /** To the microsecond, which jobs of one group are compared by. */
  happened_at: string
  /** Whether what it says is still stored. */
  hasBody: boolean
}

/** Which events of a span of time, oldest first. */
export type Span = {
  since: string
  until?: string | undefined
  type?: string | undefined
  source?: string | undefined
  /** The last event of the page before. */
  after?: string | undefined
  limit: number
}

/** The time of a column to the microsecond, in a form whose order is that of the times. */
export function exactTime(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

// A job has the sender's time of its event, which the event itself has not.
const COLUMNS = `e.id, e.source, e.type, e.status, e.subject, e.facts, e.depth, ${isoTime('e.received_at')} as received_at,
  (coalesce(e.body, e.packed) is not null or e.payload is not null) as "hasBody",
  ${exactTime(`coalesce((select min(j.event_at) from signalbox.jobs j where j.event_id = e.id and j.replay is null),
    e.received_at)`)} as happened_at`

/** One event; null when there is no such event. */
export async function replayableEvent(sql: Sql, id: string): Promise<Replayable | null> {
  if (!isUuid(id)) return null
  const { rows } = await sql.query<Replayable>(`select ${COLUMNS} from signalbox.events e where e.id = $1`, [id])
  return rows[0] ?? null
}

/** Events of a span of time, oldest first; what Signalbox recorded itself only if it is named. */
export async function replayableEvents(sql: Sql, span: Span): Promise<Replayable[]> {
  const { rows } = await sql.query<Replayable>(
    `select ${COLUMNS} from signalbox.events e
     where ${inSpan('e')} and e.status <> 'rejected' and e.source not in ('manual', 'test')
       and ($4::text is not null or e.source <> 'signalbox')
     order by e.received_at, e.id limit $7`,
    await spanValues(sql, span),
  )
  return rows
}

/** The condition on the values of `spanValues`, $1 to $6. */
export function inSpan(table: string): string {
  return `${table}.received_at >= $1::timestamptz and ${table}.received_at < coalesce($2::timestamptz, 'infinity')
    and ($3::text is null or ${table}.type like $3) and ($4::text is null or ${table}.source = $4)
    and ($6::uuid is null or (${table}.received_at, ${table}.id) > ($5::timestamptz, $6))`
}

/**
 * The values of a span, and its limit as $7. A page begins at the time of the last event of the
 * one before.
 * @throws AppError `input_invalid` when that is not there any more.
 */
export async function spanValues(sql: Sql, { since, until, type, source, after, limit }: Span): Promise<unknown[]> {
  const at = after === undefined ? null : await receivedAt(sql, after)
  const start = at ?? new Date(since)
  const end = until === undefined ? null : new Date(until)
  return [start, end, type === undefined ? null : likePattern(type), source ?? null, at, after ?? null, limit]
}

async function receivedAt(sql: Sql, id: string): Promise<string> {
  const { rows } = isUuid(id)
    ? await sql.query<{ at: string }>(`select ${exactTime('received_at')} as at from signalbox.events where id = $1`, [
        id,
      ])
    : { rows: [] }
  if (rows[0] === undefined) throw new AppError('input_invalid', 'after: unknown; pass the `next` of the page before')
  return rows[0].at
}
