// Reading jobs: the list, and one with everything that is known of it.
import type { Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf } from '../lib/page.ts'
import type { Output, Receipt } from '../publisher/output.ts'

export const JOB_STATUSES = ['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled'] as const
export type JobStatus = (typeof JOB_STATUSES)[number]

/** A job as a list shows it. */
export type JobSummary = {
  id: string
  type: string
  rule: string
  agent: string
  eventId: string | null
  status: JobStatus
  priority: number
  group: string | null
  attempt: number
  maxAttempts: number
  timeLimitMs: number
  /** The last error; of a job that waits for its next try, too. */
  error: string | null
  /** When it may start (again); for a running job, when its lease ends. */
  availableAt: Date
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
}

export type JobAttempt = {
  attempt: number
  /** The orchestrator that made it. */
  owner: string
  /** Null while it runs. */
  outcome: 'completed' | 'failed' | 'retried' | 'lost' | 'cancelled' | null
  error: string | null
  result: unknown
  startedAt: Date
  finishedAt: Date | null
}

export type JobStep = { name: string; attempt: number; result: unknown; finishedAt: Date }

export type JobLogLine = { id: number; attempt: number; at: Date; stream: 'log' | 'stdout' | 'stderr'; line: string }

export type JobOutput = {
  position: number
  kind: Output['kind']
  status: 'pending' | 'published' | 'refused'
  /** Why it was refused. */
  reason: string | null
  receipt: Receipt | null
  body: Output
  publishedAt: Date | null
}

export type JobDetail = JobSummary & {
  input: unknown
  result: unknown
  attempts: JobAttempt[]
  steps: JobStep[]
  outputs: JobOutput[]
  /** Its last lines, oldest first; `jobLog` pages through all of them. */
  log: JobLogLine[]
}

/** Which jobs to list; all of them if nothing is given. */
export type JobFilter = {
  status?: JobStatus | undefined
  type?: string | undefined
  agent?: string | undefined
  eventId?: string | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

const SUMMARY = `id, type, rule, agent, event_id as "eventId", status, priority, group_key as "group", attempt,
  max_attempts as "maxAttempts", time_limit_ms as "timeLimitMs", error, available_at as "availableAt",
  created_at as "createdAt", started_at as "startedAt", finished_at as "finishedAt"`

const LAST_LINES = 500

/**
 * Lists jobs, newest first.
 * @throws `input_invalid` for a cursor that is none.
 */
export async function listJobs(sql: Sql, filter: JobFilter = {}): Promise<Page<JobSummary>> {
  const { status, type, agent, eventId, cursor } = filter
  if (cursor !== undefined && !isUuid(cursor)) throw new AppError('input_invalid', 'cursor: is not one of ours')
  if (eventId !== undefined && !isUuid(eventId)) return { items: [], next: null }
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<JobSummary>(
    `select ${SUMMARY} from signalbox.jobs
     where ($1::text is null or status = $1) and ($2::text is null or type = $2)
       and ($3::text is null or agent = $3) and ($4::uuid is null or event_id = $4)
       and ($5::uuid is null or (created_at, id) < (select created_at, id from signalbox.jobs where id = $5))
     order by created_at desc, id desc
     limit $6`,
    [status ?? null, type ?? null, agent ?? null, eventId ?? null, cursor ?? null, limit + 1],
  )
  return pageOf(rows, limit)
}

/**
 * One job with its attempts, steps, outputs and last log lines.
 * @throws `not_found`.
 */
export async function getJob(sql: Sql, id: string): Promise<JobDetail> {
  if (!isUuid(id)) throw notFound(id)
  const read = async <Row extends object>(text: string): Promise<Row[]> => (await sql.query<Row>(text, [id])).rows
  const [job] = await read<JobSummary & Pick<JobDetail, 'input' | 'result'>>(
    `select ${SUMMARY}, input, result from signalbox.jobs where id = $1`,
  )
  if (job === undefined) throw notFound(id)
  const attempts = await read<JobAttempt>(
    `select attempt, owner, outcome, error, result, started_at as "startedAt", finished_at as "finishedAt"
     from signalbox.job_attempts where job_id = $1
     union all
     select attempt, owner, null, null, null, attempt_started_at, null from signalbox.jobs
     where id = $1 and status = 'running'
     order by attempt`,
  )
  const steps = await read<JobStep>(
    `select name, attempt, result, finished_at as "finishedAt"
     from signalbox.job_steps where job_id = $1 order by finished_at, name`,
  )
  const outputs = await read<JobOutput>(
    `select position, kind, status, reason, receipt, body, published_at as "publishedAt"
     from signalbox.outputs where job_id = $1 order by position`,
  )
  const log = await read<JobLogLine>(
    `select * from (
       select id, attempt, at, stream, line from signalbox.job_log where job_id = $1 order by id desc limit ${LAST_LINES}
     ) as last order by id`,
  )
  return { ...job, attempts, steps, outputs, log }
}

/**
 * A job's log lines after the line of id `after` (0: from the first), at most `limit` (1000) of
 * them.
 */
export async function jobLog(
  sql: Sql,
  id: string,
  options: { after?: number; limit?: number } = {},
): Promise<JobLogLine[]> {
  if (!isUuid(id)) throw notFound(id)
  const { rows } = await sql.query<JobLogLine>(
    `select id, attempt, at, stream, line from signalbox.job_log where job_id = $1 and id > $2 order by id limit $3`,
    [id, options.after ?? 0, Math.min(options.limit ?? 1000, 1000)],
  )
  return rows
}

export function notFound(id: string): AppError {
  return new AppError('not_found', `There is no job ${id}.`)
}
