// The one statement that records events: the rows of events, their jobs and their deliveries, in
// one commit.
import type { Database, Sql } from '../db/database.ts'
import { keepPayloads } from '../db/payload-pruned.ts'
import { storable, storableJson } from '../db/text.ts'
import type { Clock } from '../lib/clock.ts'
import type { NewEvent, NewJob, Recorded } from './event.ts'

/**
 * What the statement returned: which of the given ids of events and jobs are new, and the version
 * of the routing it saw. Nothing was written when that version is not `expectedVersion`. A job that
 * is not new although its event is was skipped.
 */
type Inserted = { ids: ReadonlySet<string>; jobIds: ReadonlySet<string>; version: number }

// Where jobs are inserted, `events` are those that they are of, and `$1` is the time of the clock.
// Of an event that was there already a trigger says whether its source is paused.
function insertJobs({ rows, events, replay }: { rows: string; events: string; replay?: string }): string {
  return `insert into signalbox.jobs (id, event_id, rule, type, agent, input, policy, who, joins, model, budget,
    priority, attempt, group_key, group_limit, mode, event_at, debounced_since, ceiling_subject, max_attempts,
    time_limit_ms, held, available_at, created_at${replay === undefined ? '' : ', replay, replayed_by'})
  select n.id, event_id, rule, type, agent, input, policy, who, joins, model, budget, priority, attempt, group_key,
    group_limit, mode, least(happened_at, coalesce($1, now()) + after * interval '1 microsecond'), since,
    ceiling_subject, max_attempts, time_limit_ms, ${replay === undefined ? 'coalesce(held, false)' : 'null'},
    case when since is null then coalesce($1, now()) - before * interval '1 microsecond'
      else least(coalesce($1, now()) + quiet_ms * interval '1 ms', since + max_ms * interval '1 ms') end,
    coalesce($1, now()) + after * interval '1 microsecond'${replay === undefined ? '' : `, ${replay}`}
  from json_to_recordset(${rows}::json) as n (id uuid, event_id uuid, rule text, type text, agent text, input json,
    policy json, who json, joins json, model json, budget json, priority smallint, attempt integer, group_key text,
    group_limit smallint, mode text, happened_at timestamptz, quiet_ms integer, max_ms integer, ceiling_subject text,
    max_attempts integer, time_limit_ms integer, held boolean, before integer, after integer)
  join ${events} as made on made.id = n.event_id,
  lateral (
    -- The first event of those that a job has waited for which has not begun.
    select case when quiet_ms is not null then coalesce((
      select min(debounced_since) from signalbox.jobs as other
      where other.mode = 'latest' and other.rule = n.rule and other.group_key = n.group_key
        and other.status = 'pending' and other.started_at is null
    ), $1, now()) end as since
  ) as waiting
  -- Two statements that wait for each other's jobs must not do so in different orders.
  order by group_key, after
  on conflict ${replay === undefined ? "(rule, group_key) where mode = 'skip' and finished_at is null " : ''}do nothing
  returning id`
}

// Rows come as one JSON text a table, and all bodies as one run of bytes cut up by `at` and
// `bytes`. However many rows there are, the statement is the same: as a VALUES list PostgreSQL took
// half as long again, and Node twice as long, over writing and reading its hundreds of placeholders
// (and 65,535 of them are the limit); as arrays (UNNEST) the bodies would have to be written as
// text.
const INSERT = `
with routing as materialized (
  select signalbox.lock_routing() as version
), new_events as (
  insert into signalbox.events (id, source, delivery_id, type, status, reason, subject, actor, facts, body, payload,
    content_type, headers, depth, cause_job_id, body_key, received_at, recovered_at, position)
  select id, source, delivery_id, type, status, reason, subject, actor, facts, substring($4::bytea from at for bytes),
    payload::json, content_type, headers, depth, cause_job_id, body_key, coalesce($1::timestamptz, now()),
    case when recovered then coalesce($1::timestamptz, now()) end, (select signalbox.event_position())
  from json_to_recordset($3::json) as n (id uuid, source text, delivery_id text, type text, status text, reason text,
    subject text, actor text, facts json, at integer, bytes integer, payload text, content_type text, headers json,
    depth smallint, cause_job_id uuid, body_key uuid, recovered boolean)
  where (select version from routing) = $2::bigint
  on conflict do nothing
  returning id
), new_jobs as (
  ${insertJobs({ rows: '$5', events: 'new_events' })}
), new_deliveries as (
  insert into signalbox.deliveries (id, event_id, endpoint_id, group_key, holds_group, max_attempts, status, error,
    finished_at, held, available_at, created_at)
  select n.id, event_id, endpoint_id, group_key, holds_group, max_attempts,
    case when skipped is null then 'pending' else 'skipped' end, skipped,
    case when skipped is not null then coalesce($1, now()) end, coalesce(held, false),
    coalesce($1, now()) - before * interval '1 microsecond', coalesce($1, now()) + after * interval '1 microsecond'
  from json_to_recordset($6::json) as n (id uuid, event_id uuid, endpoint_id uuid, group_key text, holds_group boolean,
    max_attempts integer, before integer, after integer, skipped text, held boolean)
  join new_events on new_events.id = n.event_id
  -- As the foreign key would lock it; one that is being deleted is left out, and not an error.
  join signalbox.endpoints p on p.id = n.endpoint_id
  for key share of p
)
select version::int as version, array(select id from new_events) as ids,
  array(select id from new_jobs) as "jobIds"
from routing`

/** The rows of events, each with the place of its body in the run of bytes, counted from 1. */
function eventRows(events: readonly NewEvent[]) {
  let at = 1
  return events.map((event) => {
    const bytes = event.body?.byteLength ?? 0
    const row = {
      id: event.id,
      source: event.source,
      delivery_id: event.deliveryId,
      type: event.type,
      status: event.status,
      reason: event.reason,
      subject: event.subject,
      actor: event.actor,
      facts: event.facts,
      // Null when there is no body, which is not the same as an empty one.
      at: event.body === null ? null : at,
      bytes,
      // As text within the text, because inside it PostgreSQL would have to decode every \u0000.
      payload: event.payload === null ? null : JSON.stringify(event.payload),
      content_type: event.contentType,
      headers: event.headers,
      depth: event.depth,
      cause_job_id: event.causeJobId,
      body_key: event.bodyKey,
      recovered: event.recovered,
    }
    at += bytes
    return row
  })
}

type WithJobs = { id: string; isHeld?: boolean; happenedAt?: Date | string | undefined; jobs: readonly NewJob[] }

function jobRows(events: readonly WithJobs[]) {
  return inOrder(
    events.flatMap((event) =>
      event.jobs.map((job) => ({
        id: job.id,
        event_id: event.id,
        rule: job.rule,
        type: job.type,
        agent: job.agent,
        input: job.input,
        policy: job.policy,
        who: job.who,
        model: job.model,
        budget: job.budget,
        priority: job.priority,
        ...placeOf(job),
        happened_at: event.happenedAt ?? null,
        max_attempts: job.maxAttempts,
        time_limit_ms: job.timeLimitMs,
        held: event.isHeld || undefined,
      })),
    ),
  )
}

/** The columns of its group, debounce and ceiling: in force, or put by until it may join. */
function placeOf(job: NewJob) {
  const place = {
    group_key: job.groupKey,
    group_limit: job.groupLimit,
    mode: job.mode,
    quiet_ms: job.debounce?.quietMs ?? null,
    max_ms: job.debounce?.maxMs ?? null,
    ceiling_subject: job.ceilingSubject,
  }
  if (job.who === null) return { ...place, joins: null, attempt: 0 }
  return { joins: place, attempt: -1, group_key: null, group_limit: 1, mode: 'queue' }
}

function deliveryRows(events: readonly NewEvent[]) {
  return inOrder(
    events.flatMap((event) =>
      event.deliveries.map(({ id, endpointId, groupKey, holdsGroup, maxAttempts, skipped }) => ({
        id,
        event_id: event.id,
        endpoint_id: endpointId,
        group_key: groupKey,
        holds_group: holdsGroup,
        max_attempts: maxAttempts,
        skipped,
        held: event.isHeld || undefined,
      })),
    ),
  )
}

/**
 * The rows with their order, in microseconds: they commit at one moment, and each group's are done
 * in the order of their times. None is due later than now.
 */
function inOrder<Row extends object>(rows: readonly Row[]): (Row & { before: number; after: number })[] {
  return rows.map((row, after) => ({ ...row, after, before: rows.length - 1 - after }))
}

function bodiesOf(events: readonly NewEvent[]): Uint8Array {
  const bodies = events.flatMap(({ body }) => (body === null ? [] : [body]))
  return bodies.length === 1 ? (bodies[0] as Uint8Array) : Buffer.concat(bodies)
}

/**
 * The order of the unique key: two statements with the same deliveries in different orders would
 * wait for each other.
 */
function byDelivery(a: NewEvent, b: NewEvent): number {
  const key = ({ source, deliveryId }: NewEvent) => `${source}\n${storable(deliveryId)}`
  const [one, other] = [key(a), key(b)]
  return one < other ? -1 : one > other ? 1 : 0
}

/**
 * Writes events with their jobs and deliveries in one statement, which is one transaction unless
 * `sql` is already in one. A repeated delivery id or body key writes nothing.
 */
export async function insertEvents(
  sql: Sql,
  clock: Clock,
  events: readonly NewEvent[],
  expectedVersion: number,
): Promise<Inserted> {
  const sorted = events.toSorted(byDelivery)
  const values = [
    clock.sqlNow(),
    expectedVersion,
    storableJson(eventRows(sorted)),
    bodiesOf(sorted),
    storableJson(jobRows(events)),
    storableJson(deliveryRows(events)),
  ]
  type Row = { version: number; ids: string[]; jobIds: string[] }
  const { rows } = await sql.query<Row>(INSERT, values, 'signalbox_record')
  return { ids: new Set(rows[0]?.ids), jobIds: new Set(rows[0]?.jobIds), version: rows[0]?.version ?? 0 }
}

const REPLAY = `
with routing as materialized (
  select version from signalbox.routing_version
), kept as materialized (
  -- Not those whose bodies were pruned since they were read.
  select id from signalbox.events where id = any($4::uuid[]) and body_pruned_at is null
), chosen as (
  select id from kept, routing where version = $2::bigint and (select count(*) from kept) = cardinality($4::uuid[])
), new_jobs as (
  ${insertJobs({ rows: '$3', events: 'chosen', replay: '$5::uuid, $6::text' })}
)
select version::int as version, array(select id from new_jobs) as "jobIds",
  (select count(*) from kept) = cardinality($4::uuid[]) as "isWhole" from routing`

/**
 * Writes jobs of events that there are already, in one statement, as those of a new event are
 * written. One that there is writes nothing, nor does any by another version of the routing, or
 * where what an event said is there no more (not `isWhole`).
 */
export async function insertReplay(
  database: Database,
  clock: Clock,
  { replay, by, events }: { replay: string; by: string | null; events: readonly WithJobs[] },
  expectedVersion: number,
): Promise<Pick<Inserted, 'jobIds' | 'version'> & { isWhole: boolean }> {
  const given = events.map(({ id }) => id)
  const values = [clock.sqlNow(), expectedVersion, storableJson(jobRows(events)), given, replay, by]
  type Row = { version: number; jobIds: string[]; isWhole: boolean }
  const [row] = await database.transaction(async (tx) => {
    await keepPayloads(tx)
    return (await tx.query<Row>(REPLAY, values, 'replay')).rows
  })
  return { jobIds: new Set(row?.jobIds), version: row?.version ?? 0, isWhole: row?.isWhole ?? false }
}

/**
 * What became of each event, in the same order: those with a new id as they are, the others as
 * they were recorded before, with the jobs they made then.
 */
export async function outcomesOf(
  sql: Sql,
  events: readonly NewEvent[],
  newIds: ReadonlySet<string>,
): Promise<Recorded[]> {
  const repeats = events.filter((event) => !newIds.has(event.id))
  const earlier = repeats.length === 0 ? new Map<string, Earlier>() : await recordedBefore(sql, repeats)
  return events.map((event) => {
    const found = earlier.get(event.id)
    const { id, status, reason } = found ?? event
    // One that is there under the id it was given now was written by a statement before this one,
    // whose answer was lost.
    const isNew = id === event.id
    return { id, duplicate: !isNew, status, reason, jobIds: found?.job_ids ?? event.jobs.map((job) => job.id) }
  })
}

type Earlier = Pick<NewEvent, 'id' | 'status' | 'reason'> & { job_ids: string[] }

/** What was recorded under the events' delivery ids, or else their body keys; by their ids. */
async function recordedBefore(sql: Sql, events: readonly NewEvent[]): Promise<Map<string, Earlier>> {
  const { rows } = await sql.query<Earlier & { repeat: string }>(
    `with given as (
       select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) as n (repeat, source, delivery_id, body_key)
     ), found as (
       select repeat, e.id, e.status, e.reason, 1 as rank from given join signalbox.events e using (source, delivery_id)
       union all
       select repeat, e.id, e.status, e.reason, 2 from given join signalbox.events e using (source, body_key)
     )
     select distinct on (repeat) repeat, id, status, reason,
       array(select id from signalbox.jobs where event_id = found.id order by jobs.created_at, id) as job_ids
     from found order by repeat, rank`,
    [
      events.map((event) => event.id),
      events.map((event) => event.source),
      events.map((event) => storable(event.deliveryId)),
      events.map((event) => event.bodyKey ?? null),
    ],
  )
  return new Map(rows.map((row) => [row.repeat, row]))
}
