// What a person may do to a job: call it off, or ask for more attempts.
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { queueOn } from '../queue/queue.ts'
import { JOBS } from './job.ts'
import { getJob, notFound } from './query.ts'
import type { JobDetail } from './wire.ts'

async function refuse(database: Database, id: string, wanted: string): Promise<never> {
  const { status } = await getJob(database, id)
  throw new AppError('conflict', `The job is ${status}; ${wanted}.`)
}

/**
 * Calls a job off. A running agent is aborted at its orchestrator's next renewal.
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
 * Starts a failed or cancelled job again, now, with all its attempts and no back-off. It resumes
 * after its last finished step; an output that was refused is published again.
 * @throws AppError `not_found`, or `conflict` for a job in any other status.
 */
export async function retryJob(database: Database, clock: Clock, id: string): Promise<JobDetail> {
  if (!isUuid(id)) throw notFound(id)
  const { rows } = await database.query(
    `with job as (
       update signalbox.jobs set status = 'pending', finished_at = null, owner = null,
         available_at = coalesce($2::timestamptz, now()), failures = 0, losses = 0
       where id = $1 and status in ('failed', 'cancelled')
       returning id
     ), again as (
       update signalbox.outputs set status = 'pending', reason = null from job
       where job_id = job.id and outputs.status = 'refused'
     )
     select id from job`,
    [id, clock.sqlNow()],
  )
  if (rows.length === 0) return refuse(database, id, 'only a failed or cancelled one can be retried')
  return getJob(database, id)
}
