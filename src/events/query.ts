// Reading the event log.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { likePattern } from '../lib/glob.ts'
import { isUuid } from '../lib/id.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf, readCursor } from '../lib/page.ts'
import { BODY, EVENT_COLUMNS } from './columns.ts'
import type { Event, EventStatus } from './event.ts'
import { eventPayload } from './payload.ts'
import type { EventDetail, EventSummary } from './wire.ts'

/** Which events to list; all of them if nothing is given. */
export type EventFilter = {
  /** A type, or a glob such as `issues.*`. */
  type?: string | undefined
  source?: string | undefined
  status?: EventStatus | undefined
  subject?: string | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/**
 * Lists events, newest first. Ids are ordered by time, so a page begins after the last id of the
 * one before.
 * @throws AppError `input_invalid` when the cursor is not one.
 */
export async function listEvents(sql: Sql, filter: EventFilter = {}): Promise<Page<EventSummary>> {
  const { type, source, status, subject } = filter
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<EventSummary>(
    `select ${SUMMARY_COLUMNS} from signalbox.events e
     where ($1::text is null or type like $1) and ($2::text is null or source = $2)
       and ($3::text is null or status = $3) and ($4::text is null or lower(subject) = lower($4))
       and ($5::uuid is null or id < $5)
     order by id desc limit $6`,
    [
      type === undefined ? null : likePattern(type),
      source ?? null,
      status ?? null,
      subject ?? null,
      readCursor(filter.cursor),
      limit + 1,
    ],
  )
  return pageOf(rows, limit)
}

/** One event with what it says, as the API shows it; null when there is no such event. */
export async function showEvent(sql: Sql, id: string): Promise<EventDetail | null> {
  if (!isUuid(id)) return null
  const { rows } = await sql.query<EventDetail & Pick<Event, 'body'>>(
    `select ${WIRE_COLUMNS}, ${BODY} as body, payload from signalbox.events e where id = $1`,
    [id],
  )
  const [row] = rows
  if (row === undefined) return null
  const { body, payload, ...event } = row
  return { ...event, payload: eventPayload({ body, payload }) ?? null }
}

/** One event with its raw body; null when there is no such event. */
export async function getEvent(sql: Sql, id: string): Promise<Event | null> {
  if (!isUuid(id)) return null
  const { rows } = await sql.query<Event>(`select ${EVENT_COLUMNS} from signalbox.events e where e.id = $1`, [id])
  return rows[0] ?? null
}

/** What events that made jobs pass on to the events of those jobs' ends, by id. */
export async function causesOf(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, Pick<Event, 'id' | 'depth' | 'subject' | 'facts' | 'headers'>>> {
  const { rows } = await sql.query<Pick<Event, 'id' | 'depth' | 'subject' | 'facts' | 'headers'>>(
    'select id, depth, subject, facts, headers from signalbox.events where id = any($1::uuid[])',
    [ids],
    'causes',
  )
  return new Map(rows.map((cause) => [cause.id, cause]))
}

const WIRE_COLUMNS = `id, source, delivery_id, type, status, reason, subject, actor, facts, content_type, headers,
  depth, ${isoTime('e.received_at')} as received_at, ${isoTime('recovered_at')} as recovered_at,
  ${isoTime('body_pruned_at')} as body_pruned_at`

/** Selects an `EventSummary`. */
export const SUMMARY_COLUMNS = `${WIRE_COLUMNS}, octet_length(${BODY}) as body_bytes`
