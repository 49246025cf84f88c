// Rules that want the latest only, or the newest as the next: of their jobs of one group, that of
// the newest event is done in the place of older ones.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { JobRow } from './job.ts'

/** What identifies the jobs of which only the newest is done: of one rule, or of all. */
const SAME = {
  latest: 'other.rule = job.rule and other.group_key = job.group_key',
  next: 'other.group_key = job.group_key',
}

/** A superseded job; `error` says by which, and with `runs` it is yet to be stopped. */
export type Cancelled = { id: string; agent: string; error: string; runs: boolean }

/**
 * Cancels what is superseded among the jobs of the rules and groups of these: each that has not
 * ended and is older than the newest one, whatever has become of that. One that runs is ended when
 * its worker has let go of it; the workers are notified. With the mode `next` that is one which has
 * begun already, and it stays. Returns the cancelled jobs.
 */
// Rows are locked before the first of them changes, in the order in which settlements lock them; a
// claim that wants the same group then loses its race at once, and neither waits for the other.
export async function supersede(
  sql: Sql,
  clock: Clock,
  ids: readonly string[],
  mode: keyof typeof SAME = 'latest',
): Promise<Cancelled[]> {
  const { rows } = await sql.query<Cancelled>(SUPERSEDE[mode], [clock.sqlNow(), ids], `supersede jobs, ${mode}`)
  return rows
}

/** Of the mode `next`: lets a job that is not superseded begin, and keep its group. */
export async function takeTurn(sql: Sql, { id, attempt }: Pick<JobRow, 'id' | 'attempt'>): Promise<void> {
  await sql.query(
    `update signalbox.jobs set holds_group = true where id = $1 and attempt = $2 and status = 'running'`,
    [id, attempt],
    'take turn',
  )
}

/** Takes that back from jobs which have begun to wait, in the transaction in which they do. */
export async function giveTurnsBack(
  tx: Sql,
  settled: readonly { row: Pick<JobRow, 'id' | 'mode'>; status: string }[],
): Promise<void> {
  const ids = settled.flatMap(({ row, status }) => (status === 'waiting' && row.mode === 'next' ? [row.id] : []))
  if (ids.length > 0) await tx.query('update signalbox.jobs set holds_group = false where id = any($1)', [ids])
}

const SUPERSEDE = { latest: supersedeText('latest'), next: supersedeText('next') }

function supersedeText(mode: keyof typeof SAME): string {
  const group = mode === 'latest' ? 'rule, group_key' : 'group_key'
  // Some senders give whole seconds, and some events have the time of receipt: of one second, the
  // order of receipt counts where events of several kinds are compared. As the index has it.
  const at = (row: string) =>
    mode === 'latest' ? `${row}.event_at` : `date_bin('1 second', ${row}.event_at, '1970-01-01 00:00:00+00')`
  return `with chosen as materialized (
       select distinct on (${group}) ${group} from signalbox.jobs
       where id = any($2::uuid[]) and coalesce(mode, '') = '${mode}'
     ), newest as materialized (
       select job.*, true as is_open, found.id, found.event_at, found.event_id
       from chosen as job, lateral (
         select other.id, other.event_at, other.event_id
         from unnest(array[true, false]) as is_open, lateral (
           select id, event_at, event_id from signalbox.jobs as other
           where other.mode = '${mode}' and ${SAME[mode]} and (other.finished_at is null) = is_open
           order by ${at('other')} desc, event_id desc limit 1
         ) as other
         order by ${at('other')} desc, other.event_id desc limit 1
       ) as found
     ), older as materialized (
       select other.id, job.id as by from newest as job
       join signalbox.jobs as other on other.mode = '${mode}' and ${SAME[mode]} and (other.finished_at is null) = job.is_open
         and (${at('other')}, other.event_id) < (${at('job')}, job.event_id)${mode === 'next' ? ' and not other.holds_group' : ''}
     ), locked as materialized (
       select id from signalbox.jobs where id = any(array(select id from older)) order by id for no key update
     )
     update signalbox.jobs as job
     set status = 'cancelled', superseded_by = older.by, error = 'Superseded by job ' || older.by || '.',
       finished_at = coalesce($1::timestamptz, now())
     from older
     where job.id = any(array(select id from locked)) and job.id = older.id
       and coalesce(job.status, '') in ('pending', 'running', 'waiting') and job.ends_as is null
     returning job.id, job.agent, job.error, job.status = 'running' as runs`
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
       join signalbox.jobs as other on other.mode = 'latest' and ${SAME.latest} and (other.finished_at is null) = false
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
