// Rules that want the latest only: of their jobs of one group, that of the newest event is done in
// the place of all older ones.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { JobRow } from './job.ts'

/** What identifies the jobs of which only the newest is done. */
const SAME = 'other.rule = job.rule and other.group_key = job.group_key'

/**
 * Cancels what is superseded among the jobs of the rules and groups of these: each that has not
 * ended and is older than the newest one, whatever has become of that. One that runs is ended when
 * its worker has let go of it; the workers are notified. Returns the ids of the cancelled jobs.
 */
// Rows are locked before the first of them changes, in the order in which settlements lock them; a
// claim that wants the same group then loses its race at once, and neither waits for the other.
export async function supersede(sql: Sql, clock: Clock, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `with chosen as materialized (
       select distinct on (rule, group_key) rule, group_key from signalbox.jobs
       where id = any($2::uuid[]) and coalesce(mode, '') = 'latest'
     ), newest as materialized (
       select job.rule, job.group_key, found.id, found.event_at, found.event_id
       from chosen as job, lateral (
         select other.id, other.event_at, other.event_id
         from unnest(array[true, false]) as is_open, lateral (
           select id, event_at, event_id from signalbox.jobs as other
           where other.mode = 'latest' and ${SAME} and (other.finished_at is null) = is_open
           order by event_at desc, event_id desc limit 1
         ) as other
         order by other.event_at desc, other.event_id desc limit 1
       ) as found
     ), older as materialized (
       select other.id, job.id as by from newest as job
       join signalbox.jobs as other on other.mode = 'latest' and ${SAME} and (other.finished_at is null)
         and (other.event_at, other.event_id) < (job.event_at, job.event_id)
     ), locked as materialized (
       select id from signalbox.jobs where id = any(array(select id from older)) order by id for no key update
     )
     update signalbox.jobs as job
     set status = 'cancelled', superseded_by = older.by, error = 'Superseded by job ' || older.by || '.',
       finished_at = coalesce($1::timestamptz, now())
     from older
     where job.id = any(array(select id from locked)) and job.id = older.id
       and coalesce(job.status, '') in ('pending', 'running', 'waiting') and job.ends_as is null
     returning job.id`,
    [clock.sqlNow(), ids],
    'supersede jobs',
  )
  return rows.map(({ id }) => id)
}

/**
 * What a finished step of the jobs that this one supersedes returned, of the newest that has one:
 * those between it and the last one that was not superseded. Undefined when none has.
 */
export async function inheritedStep(
  sql: Sql,
  row: Pick<JobRow, 'id' | 'rule' | 'group_key' | 'mode'>,
  name: string,
): Promise<unknown> {
  if (row.mode !== 'latest') return undefined
  const { rows } = await sql.query<{ result: unknown }>(
    `with ended as (
       select other.id, other.superseded_by, other.event_at, other.event_id
       from signalbox.jobs as job
       join signalbox.jobs as other on other.mode = 'latest' and ${SAME} and (other.finished_at is null) = false
         and (other.event_at, other.event_id) < (job.event_at, job.event_id)
       where job.id = $1
     ), last as (
       select event_at, event_id from ended where superseded_by is null order by event_at desc, event_id desc limit 1
     )
     select step.result from ended
     join signalbox.job_steps as step on step.job_id = ended.id and step.name = $2
     where not exists (select from last where (ended.event_at, ended.event_id) <= (last.event_at, last.event_id))
     order by ended.event_at desc, ended.event_id desc limit 1`,
    [row.id, name],
  )
  return rows[0]?.result ?? undefined
}
