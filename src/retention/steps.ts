// The statements that delete what is old, a few rows at a time and the oldest first.
import type { Kind } from './limits.ts'

/** One table that is gone through from its oldest row on. */
export type Step = {
  kind: Kind | 'packed'
  /** The first id there may be. */
  firstId: string
  /** The most rows of a batch. Default: what is good for those with many indexes. */
  maxRows?: number
  /** Whether its rows are in the order of their ids, and not of their times first. */
  byId?: true
  /**
   * The next rows as `id`, `at` and `bytes`: older than $1, after the place ($2, $3), at most $4.
   */
  rows: string
  /** Which of the rows `x` are needed, although they are old: the next run looks at them again. */
  held?: string
  /** What is to go, of the rows in `x`: with `bytes`, and what `remove` needs. */
  doomed: string
  /** Deletes what is in `doomed`, and returns a row for each. */
  remove: string
  /** Deletes what must go with it. */
  removeWith?: string
}

const NO_ID = '00000000-0000-0000-0000-000000000000'

const EVENT_BYTES = `coalesce(pg_column_size(e.body), 0) + coalesce(pg_column_size(e.packed), 0)
    + coalesce(pg_column_size(e.payload), 0)`

/** The next events by the time of their receipt. */
function eventRows(bytes: string): string {
  return `select e.id, e.received_at as at, ${bytes} as bytes, e.status from signalbox.events e
    where e.received_at < $1 and e.received_at >= $2 and (e.received_at, e.id) > ($2, $3::uuid)
    order by e.received_at, e.id limit $4`
}

/**
 * Whether work that has not ended may need what the event `x` says; $5 are those needed for good.
 */
const IS_NEEDED = `(x.id = any($5::uuid[])
    or exists (select from signalbox.jobs j where j.event_id = x.id and j.finished_at is null)
    or exists (select from signalbox.deliveries d where d.event_id = x.id and d.finished_at is null)
    or exists (select from signalbox.job_waits w join signalbox.jobs j on j.id = w.job_id
      where w.event_id = x.id and j.finished_at is null)
    or exists (select from signalbox.job_answers a join signalbox.jobs j on j.id = a.job_id
      where a.event_id = x.id and j.finished_at is null))`

const IS_YOUNG = '(d.finished_at is null or d.finished_at >= $1)'
const HAS_YOUNG_DELIVERY = `exists (select from signalbox.deliveries d where d.event_id = x.id and ${IS_YOUNG})`

/** The bytes of the rows of a table that belong to a job or a delivery. */
function bytesIn(table: string, condition: string): string {
  return `(select coalesce(sum(pg_column_size(t.*)), 0) from signalbox.${table} t where t.${condition})`
}

const BODIES: Step = {
  kind: 'bodies',
  firstId: NO_ID,
  rows: eventRows(EVENT_BYTES),
  held: `x.bytes > 0 and ${IS_NEEDED}`,
  doomed: `select x.id, x.bytes from x where x.bytes > 0 and not ${IS_NEEDED}`,
  remove: `update signalbox.events set body = null, packed = null, payload = null,
      body_pruned_at = coalesce($6::timestamptz, now())
    where id = any(array(select id from doomed)) returning 1`,
}

const LOGS: Step = {
  kind: 'logs',
  firstId: '0',
  maxRows: 500,
  byId: true,
  rows: `select l.id, l.at, pg_column_size(l.*) as bytes, l.job_id from signalbox.job_log l
    where l.id > $3::bigint and $2::timestamptz is not null order by l.id limit $4`,
  doomed: `select x.id, x.bytes from x where x.at < $1
    and exists (select from signalbox.jobs j where j.id = x.job_id and j.finished_at is not null)`,
  remove: 'delete from signalbox.job_log where id = any(array(select id from doomed)) returning 1',
}

// Of deliveries only: those of jobs have the results of the jobs.
const ATTEMPTS: Step = {
  kind: 'attempts',
  firstId: NO_ID,
  rows: eventRows('0'),
  held: HAS_YOUNG_DELIVERY,
  doomed: `select a.delivery_id, a.attempt, pg_column_size(a.*) as bytes
    from x join signalbox.deliveries d on d.event_id = x.id join signalbox.delivery_attempts a on a.delivery_id = d.id
    where not ${IS_YOUNG}`,
  remove: `delete from signalbox.delivery_attempts a
    where a.delivery_id = any(array(select delivery_id from doomed)) returning 1`,
}

const DELIVERIES: Step = {
  kind: 'deliveries',
  firstId: NO_ID,
  rows: eventRows('0'),
  held: HAS_YOUNG_DELIVERY,
  doomed: `select d.id, pg_column_size(d.*) + ${bytesIn('delivery_attempts', 'delivery_id = d.id')} as bytes
    from x join signalbox.deliveries d on d.event_id = x.id where not ${IS_YOUNG}`,
  remove: `delete from signalbox.deliveries d
    where d.id = any(array(select id from doomed)) and not ${IS_YOUNG} returning 1`,
}

const JOBS: Step = {
  kind: 'jobs',
  firstId: NO_ID,
  rows: `select j.id, j.created_at as at, j.finished_at, pg_column_size(j.*)
      + ${['job_attempts', 'job_steps', 'job_log', 'outputs'].map((each) => bytesIn(each, 'job_id = j.id')).join(' + ')}
      as bytes
    from signalbox.jobs j
    where j.created_at < $1 and j.created_at >= $2 and (j.created_at, j.id) > ($2, $3::uuid)
    order by j.created_at, j.id limit $4`,
  doomed: `select x.id, x.bytes from x where x.finished_at < $1
    and not exists (select from signalbox.jobs s where s.settles = x.id and s.finished_at is null)`,
  remove: `delete from signalbox.jobs j
    where j.id = any(array(select id from doomed)) and j.finished_at < $1 returning 1`,
}

const REFUSED: Step = {
  kind: 'refused',
  firstId: NO_ID,
  byId: true,
  rows: `select e.id, e.received_at as at, pg_column_size(e.headers) as bytes from signalbox.events e
    where e.status = 'rejected' and e.id > $3::uuid and $2::timestamptz is not null order by e.id limit $4`,
  doomed: 'select x.id, x.bytes from x where x.at < $1',
  remove: 'delete from signalbox.events where id = any(array(select id from doomed)) returning 1',
}

// One that was sent again long after the others of its time went is deleted with its event.
const EVENTS: Step = {
  kind: 'events',
  firstId: NO_ID,
  rows: eventRows(`${EVENT_BYTES} + pg_column_size(e.facts) + pg_column_size(e.headers)`),
  doomed: `select x.id, x.bytes from x where x.status <> 'rejected' and not ${HAS_YOUNG_DELIVERY}
    and not ${IS_NEEDED} and not exists (select from signalbox.jobs j where j.event_id = x.id)`,
  remove: 'delete from signalbox.events where id = any(array(select id from doomed)) returning 1',
  removeWith: `delete from signalbox.deliveries d
    where d.event_id = any(array(select id from doomed)) and not ${IS_YOUNG}`,
}

// What was resolved or dismissed stays: it decides what reviews report, and which categories mute
// themselves.
const FINDINGS: Step = {
  kind: 'findings',
  firstId: NO_ID,
  rows: `select f.id, f.created_at as at, f.status, f.updated_at, pg_column_size(f.*) as bytes from signalbox.findings f
    where f.created_at < $1 and f.created_at >= $2 and (f.created_at, f.id) > ($2, $3::uuid)
    order by f.created_at, f.id limit $4`,
  doomed: `select x.id, x.bytes from x where x.status in ('open', 'outdated') and x.updated_at < $1`,
  remove: `delete from signalbox.findings f where f.id = any(array(select id from doomed))
    and f.status in ('open', 'outdated') and f.updated_at < $1 returning 1`,
}

/** Rows without an id, of which the old ones all go. */
function readRows(table: string, time: string): Step {
  return {
    kind: 'findings',
    firstId: '(0,0)',
    rows: `select r.ctid as id, r.${time} as at, pg_column_size(r.*) as bytes from signalbox.${table} r
      where r.${time} < $1 and r.${time} >= $2 and (r.${time}, r.ctid) > ($2, $3::tid)
      order by r.${time}, r.ctid limit $4`,
    doomed: 'select x.id, x.bytes from x',
    remove: `delete from signalbox.${table} r
      where r.ctid = any(array(select id from doomed)) and r.${time} < $1 returning 1`,
  }
}

/** A row with a shorter one is within its `toast_tuple_target`, and would not be compressed. */
const MIN_PACKED_BYTES = 3_500

/**
 * Bodies from the column that takes them as they come to the one that compresses: PostgreSQL does
 * it, so that SQL reads either.
 */
export const PACK: Step = {
  kind: 'packed',
  firstId: NO_ID,
  rows: eventRows('coalesce(octet_length(e.body), 0)'),
  doomed: `select x.id, x.bytes from x where x.bytes >= ${MIN_PACKED_BYTES}`,
  remove: `update signalbox.events set packed = body, body = null
    where id = any(array(select id from doomed)) and body is not null returning 1`,
}

/** What is gone through for each kind. */
export const STEPS: Readonly<Record<Kind, readonly Step[]>> = {
  bodies: [BODIES],
  logs: [LOGS],
  attempts: [ATTEMPTS],
  deliveries: [DELIVERIES],
  jobs: [JOBS],
  refused: [REFUSED],
  events: [EVENTS],
  findings: [FINDINGS, readRows('reviewed_files', 'created_at'), readRows('reviews', 'reviewed_at')],
}
