// What a person may do to a job: call it off, or ask for more attempts, perhaps from the start.
import { z } from 'zod'
import type { Database, Sql } from '../db/database.ts'
import { keepPayloads, payloadPruned } from '../db/payload-pruned.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { describe, PARSING } from '../lib/zod.ts'
import { queueOn } from '../queue/queue.ts'
import { JOBS } from './job.ts'
import { getJob, notFound } from './query.ts'
import type { JobDetail } from './wire.ts'

/** The body of a retry, which may be absent. */
export const retryRequest = z.strictObject({
  from_start: z.boolean().optional().meta({ description: 'Forget steps and outputs, and run the agent again.' }),
  from_step: z.string().min(1).max(500).optional().meta({
    description: 'Forget this step, and what came after it finished first, and run the agent again.',
  }),
})

/** The body of a change of priority. */
export const priorityRequest = z.strictObject({
  priority: z.int().min(1).max(10).meta({ description: 'Jobs of a higher one are begun first; 5 is the default.' }),
})

async function refuse(database: Database, id: string, wanted: string): Promise<never> {
  const { status, ends_as } = await getJob(database, id)
  const now = ends_as === null ? status : ends_as === 'cancelled' ? 'still being cancelled' : `ending as ${ends_as}`
  throw new AppError('conflict', `The job is ${now}; ${wanted}.`)
}

/**
 * Calls a job off. A running agent is stopped, and the job is cancelled when that has ended.
 * @throws AppError `not_found`, or `conflict` when it had ended.
 */
export async function cancelJob(database: Database, clock: Clock, id: string): Promise<JobDetail> {
  if (!isUuid(id)) throw notFound(id)
  const reason = 'Cancelled by hand.'
  if (!(await queueOn({ table: JOBS, clock }).cancel(database, { id, reason }))) {
    return refuse(database, id, 'only one that has not ended can be cancelled')
  }
  return getJob(database, id)
}

/** Where a job is begun again: after its last step, at one of its steps, or at the start. */
export type RetryOptions = { fromStart?: boolean; fromStep?: string | undefined }

/**
 * Reads the options of a retry.
 * @throws AppError `input_invalid` naming the field at fault.
 */
export function readRetryOptions(body: unknown): RetryOptions {
  const { data, error } = retryRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  if (data.from_start && data.from_step !== undefined) {
    throw new AppError('input_invalid', 'from_step: it cannot be given with from_start')
  }
  return { fromStart: data.from_start ?? false, fromStep: data.from_step }
}

/**
 * Reads a new priority.
 * @throws AppError `input_invalid` naming the field at fault.
 */
export function readPriority(body: unknown): number {
  const { data, error } = priorityRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return data.priority
}

/**
 * Starts a failed or cancelled job again, now, with all its attempts and no back-off. It resumes
 * after its last finished step, and an agent that left outputs does not run again: those which were
 * refused or never written are written. `fromStart` forgets steps and outputs and runs the agent;
 * `fromStep` forgets that step, and the steps, waits and outputs that came after it had finished.
 * What was published stays, and an output of the same key is found there and not written again. It
 * was asked for, so nothing supersedes it any more.
 * @throws AppError `not_found`; `input_invalid` for a step that it has not finished; `conflict`
 * for a job in any other status; `payload_pruned` when its agent would run for an event whose
 * payload was deleted.
 */
export async function retryJob(
  database: Database,
  clock: Clock,
  id: string,
  { fromStart = false, fromStep }: RetryOptions = {},
): Promise<JobDetail> {
  if (!isUuid(id)) throw notFound(id)
  if (fromStep !== undefined) await requireStep(database, id, fromStep)
  const cut = fromStep === undefined ? { isNew: fromStart } : { isNew: true, step: fromStep }
  const ids = await database.transaction(async (tx) => {
    await keepPayloads(tx)
    await requirePayloadOf(tx, id, cut.isNew)
    return beginAgain(tx, clock, [id], cut)
  })
  if (ids.length === 0) return refuse(database, id, 'only a failed or cancelled one can be retried')
  return getJob(database, id)
}

/** Changes which jobs it is begun before; a job that runs has it from its next attempt on. */
export async function prioritiseJob(database: Database, id: string, priority: number): Promise<JobDetail> {
  if (!isUuid(id)) throw notFound(id)
  const { rowCount } = await database.query(
    `update signalbox.jobs set priority = $2 where id = $1 and status in ('pending', 'running', 'waiting')`,
    [id, priority],
  )
  if (rowCount === 0) return refuse(database, id, 'only one that has not ended has use for another priority')
  return getJob(database, id)
}

async function requireStep(database: Database, id: string, step: string): Promise<void> {
  const names = (await getJob(database, id)).steps.map(({ name }) => name)
  if (names.includes(step)) return
  const known = names.length === 0 ? 'it has finished none' : `it has finished ${names.map(quoted).join(', ')}`
  throw new AppError('input_invalid', `from_step: the job has not finished a step ${quoted(step)}; ${known}`)
}

function quoted(name: string): string {
  return JSON.stringify(name)
}

/**
 * Starts failed and cancelled jobs again, each due a microsecond after the one before; returns
 * their ids. `isNew` runs their agents again, from the start or from a step. The transaction keeps
 * the payloads (`keepPayloads`).
 */
export async function beginAgain(
  sql: Sql,
  clock: Clock,
  ids: readonly string[],
  { isNew, step }: { isNew: boolean; step?: string },
): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `with job as (
       update signalbox.jobs set status = 'pending', finished_at = null, owner = null,
         available_at = coalesce($2::timestamptz, now()) - (cardinality($1::uuid[]) - n) * interval '1 microsecond',
         failures = 0, losses = 0, deferrals = 0,
         ran_at = case when $3::boolean and settles is null then null else ran_at end,
         result = case when $3 then null else result end,
         group_key = coalesce(group_key, joins->>'group_key'),
         group_limit = coalesce((joins->>'group_limit')::smallint, group_limit),
         joins = null, mode = 'queue', holds_group = false, superseded_by = null
       from unnest($1::uuid[]) with ordinality as given (given_id, n)
       where id = given_id and status in ('failed', 'cancelled')
         -- Its agent would have nothing to work on.
         and (settles is not null or ran_at is not null and not $3 or not exists (
           select from signalbox.events e where e.id = event_id and e.body_pruned_at is not null))
       -- One that settles another has nothing but its outputs.
       returning id, ($3 and settles is null) as is_new
     ), forgotten as (
       -- Since when what it has done is forgotten.
       select id, coalesce(finished_at, '-infinity') as since
       from job left join signalbox.job_steps on job_id = id and name = $4 where is_new
     ), forgotten_steps as (
       delete from signalbox.job_steps using forgotten where job_id = forgotten.id and finished_at >= forgotten.since
     ), forgotten_waits as (
       delete from signalbox.job_waits using forgotten where job_id = forgotten.id and job_waits.since >= forgotten.since
     ), forgotten_outputs as (
       delete from signalbox.outputs using forgotten where job_id = forgotten.id and outputs.status <> 'published'
         and (early is null or created_at >= forgotten.since)
     ), forgotten_names as (
       update signalbox.outputs set early = null from forgotten
       where job_id = forgotten.id and outputs.status = 'published' and created_at >= forgotten.since
     ), again as (
       update signalbox.outputs set status = 'pending', reason = null from job
       where job_id = job.id and outputs.status = 'refused' and not is_new
     )
     select id from job`,
    [ids, clock.sqlNow(), isNew, step ?? null],
  )
  return rows.map(({ id }) => id)
}

/** Of a job that ended with outputs, only these are left to write: they need no event. */
async function requirePayloadOf(sql: Sql, id: string, isNew: boolean): Promise<void> {
  const { rows } = await sql.query<{ id: string; at: Date }>(
    `select e.id, e.body_pruned_at as at from signalbox.jobs j join signalbox.events e on e.id = j.event_id
     where j.id = $1 and j.status in ('failed', 'cancelled') and e.body_pruned_at is not null
       and j.settles is null and ($2::boolean or j.ran_at is null)`,
    [id, isNew],
  )
  if (rows[0] !== undefined) throw payloadPruned(rows[0].id, rows[0].at)
}
