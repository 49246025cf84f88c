// The one statement that records events: the rows of events, their jobs and their deliveries, in one commit.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { NewEvent } from './event.ts'

/** What the statement says: which of the given ids are new, and the version of the endpoints it saw. Nothing was written when that version is not `expectedVersion`. */
export type Inserted = { ids: ReadonlySet<string>; version: number }

const EVENT_CASTS = 'uuid text text text text text text text jsonb bytea text jsonb smallint uuid'.split(' ')
const JOB_CASTS = 'uuid uuid text text text json smallint text smallint integer'.split(' ')
const DELIVERY_CASTS = 'uuid uuid uuid text'.split(' ')

// PostgreSQL's text and jsonb hold neither NUL nor half of a surrogate pair; what is only looked at may be mended, the body keeps the bytes.
const storable = (text: string | null): string | null =>
  text === null ? null : text.toWellFormed().replaceAll('\0', '\ufffd')
const storableJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part) => (typeof part === 'string' ? storable(part) : part))

const eventValues = (event: NewEvent): unknown[] => [
  event.id,
  event.source,
  storable(event.deliveryId),
  storable(event.type),
  event.status,
  storable(event.reason),
  storable(event.subject),
  storable(event.actor),
  storableJson(event.facts),
  event.body,
  storable(event.contentType),
  storableJson(event.headers),
  event.depth,
  event.causeJobId,
]

const jobValues = (event: NewEvent): unknown[][] =>
  event.jobs.map((job) => [
    job.id,
    event.id,
    job.rule,
    job.type,
    job.agent,
    storableJson(job.input),
    job.priority,
    storable(job.groupKey),
    job.maxAttempts,
    job.timeLimitMs,
  ])

const deliveryValues = (event: NewEvent): unknown[][] =>
  event.deliveries.map((delivery) => [delivery.id, event.id, delivery.endpointId, storable(delivery.groupKey)])

/** Appends rows to the bound values and gives their `values` list. Multi-row VALUES: UNNEST of payload arrays takes twice as long. */
const valuesList = (rows: readonly unknown[][], casts: readonly string[], bound: unknown[]): string =>
  rows
    .map((row) => {
      const marks = row.map((value, i) => `$${bound.push(value)}::${casts[i]}`)
      return `(${marks.join(',')})`
    })
    .join(',')

const childInsert = (
  table: string,
  columns: string,
  rows: readonly unknown[][],
  casts: readonly string[],
  bound: unknown[],
) =>
  rows.length === 0
    ? ''
    : `, new_${table} as (
        insert into signalbox.${table} (${columns}, available_at, created_at)
        select n.*, coalesce($1, now()), coalesce($1, now())
        from (values ${valuesList(rows, casts, bound)}) as n (${columns})
        join new_events on new_events.id = n.event_id)`

/** Writes events with their jobs and deliveries in one statement, which is one transaction unless `sql` is already in one. A repeated delivery id writes nothing. */
export const insertEvents = async (
  sql: Sql,
  clock: Clock,
  events: readonly NewEvent[],
  expectedVersion: number,
): Promise<Inserted> => {
  const bound: unknown[] = [clock.sqlNow(), expectedVersion]
  const columns =
    'id, source, delivery_id, type, status, reason, subject, actor, facts, body, content_type, headers, depth, cause_job_id'
  const text = `
    with new_events as (
      insert into signalbox.events (${columns}, received_at)
      select n.*, coalesce($1::timestamptz, now())
      from (values ${valuesList(events.map(eventValues), EVENT_CASTS, bound)}) as n (${columns})
      where (select version from signalbox.endpoints_version) = $2::bigint
      on conflict (source, delivery_id) do nothing
      returning id)
    ${childInsert('jobs', 'id, event_id, rule, type, agent, input, priority, group_key, max_attempts, time_limit_ms', events.flatMap(jobValues), JOB_CASTS, bound)}
    ${childInsert('deliveries', 'id, event_id, endpoint_id, group_key', events.flatMap(deliveryValues), DELIVERY_CASTS, bound)}
    select version::int as version, array(select id from new_events) as ids from signalbox.endpoints_version`
  const { rows } = await sql.query<{ version: number; ids: string[] }>(text, bound)
  return { ids: new Set(rows[0]?.ids), version: rows[0]?.version ?? 0 }
}

/** The ids under which these deliveries were recorded before, keyed by `source` and `delivery_id` as `deliveryKey` joins them. */
export const recordedBefore = async (
  sql: Sql,
  events: readonly { source: string; deliveryId: string }[],
): Promise<Map<string, string>> => {
  const { rows } = await sql.query<{ id: string; source: string; delivery_id: string }>(
    `select e.id, e.source, e.delivery_id from signalbox.events e
     join unnest($1::text[], $2::text[]) as n (source, delivery_id) using (source, delivery_id)`,
    [events.map((event) => event.source), events.map((event) => storable(event.deliveryId))],
  )
  return new Map(rows.map((row) => [deliveryKey(row.source, row.delivery_id), row.id]))
}

/** One text for a source and a delivery id. */
export const deliveryKey = (source: string, deliveryId: string): string => `${source}\n${storable(deliveryId)}`
