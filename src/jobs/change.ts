// What a person may do to a job: call it off, or ask for more attempts, perhaps from the start.
import { z } from 'zod'
import type { Database } from '../db/database.ts'
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

/**
 * Reads the options of a retry.
 * @throws AppError `input_invalid` naming the field at fault.
 */
export function readRetryOptions(body: unknown): { fromStart: boolean } {
  const { data, error } = retryRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return { fromStart: data.from_start ?? false }
}

/**
 * Starts a failed or cancelled job again, now, with all its attempts and no back-off. It resumes
 * after its last finished step, and an agent that left outputs does not run again: those which were
 * refused or never written are written. `fromStart` forgets steps and outputs and runs the agent;
 * what was published stays, and an output of the same key is found there and not written again. It
 * was asked for, so nothing supersedes it any more.
 * @throws AppError `not_found`, or `conflict` for a job in any other status.
 */
export async function retryJob(
  database: Database,
  clock: Clock,
  id: string,
  { fromStart = false }: { fromStart?: boolean } = {},
): Promise<JobDetail> {
  if (!isUuid(id)) throw notFound(id)
  const { rows } = await database.query(
    `with job as (
       update signalbox.jobs set status = 'pending', finished_at = null, owner = null,
         available_at = coalesce($2::timestamptz, now()), failures = 0, losses = 0, deferrals = 0,
         ran_at = case when $3::boolean then null else ran_at end,
         result = case when $3 then null else result end,
         group_key = coalesce(group_key, joins->>'group_key'),
         group_limit = coalesce((joins->>'group_limit')::smallint, group_limit),
         joins = null, mode = 'queue', superseded_by = null
       where id = $1 and status in ('failed', 'cancelled')
       returning id
     ), forgotten_steps as (
       delete from signalbox.job_steps using job where job_id = job.id and $3
     ), forgotten_waits as (
       delete from signalbox.job_waits using job where job_id = job.id and $3
     ), forgotten_outputs as (
       delete from signalbox.outputs using job where job_id = job.id and outputs.status <> 'published' and $3
     ), again as (
       update signalbox.outputs set status = 'pending', reason = null from job
       where job_id = job.id and outputs.status = 'refused' and not $3
     )
     select id from job`,
    [id, clock.sqlNow(), fromStart],
  )
  if (rows.length === 0) return refuse(database, id, 'only a failed or cancelled one can be retried')
  return getJob(database, id)
}
