// Reading jobs: the list, one with everything that is known of it, and its log.
import type { z } from 'zod'
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { Json, JsonObject } from '../lib/json.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf, readCursor, readId } from '../lib/page.ts'
import { isAlive } from '../nodes/alive.ts'
import { pauseOf } from '../pauses/held.ts'
import type { jobCauseFilter } from './failure-cause.ts'
import { CAUSE, causesOf } from './failure-cause.ts'
import type { JobDetail, JobLogLine, JobLogPage, JobSummary } from './wire.ts'

/** Which jobs to list; all of them if nothing is given. */
export type JobFilter = {
  status?: JobSummary['status'] | undefined
  type?: string | undefined
  agent?: string | undefined
  rule?: string | undefined
  cause?: z.infer<typeof jobCauseFilter> | undefined
  event_id?: string | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/** The most lines in one page of a log. */
export const MAX_LOG_PAGE = 1000

/**
 * Lists jobs, newest first.
 * @throws AppError `input_invalid` when an id or the cursor is not one.
 */
export async function listJobs(sql: Sql, filter: JobFilter = {}): Promise<Page<JobSummary>> {
  const { status, type, agent } = filter
  const limit = pageLimit(filter.limit)
  // Only a job that has failed has a cause; said once more, it is found by the index of those.
  const { rows } = await sql.query<JobSummary>(
    `select ${SUMMARY} from signalbox.jobs
     where ($1::text is null or status = $1) and ($2::text is null or type = $2)
       and ($3::text is null or agent = $3) and ($4::uuid is null or event_id = $4)
       and ($7::text is null or rule = $7) and ($8::text[] is null or status = 'failed' and ${CAUSE} = any($8))
       and ($5::uuid is null or (created_at, id) < (select created_at, id from signalbox.jobs where id = $5))
     order by jobs.created_at desc, id desc
     limit $6`,
    [
      status ?? null,
      type ?? null,
      agent ?? null,
      readId('event_id', filter.event_id),
      readCursor(filter.cursor),
      limit + 1,
      filter.rule ?? null,
      filter.cause === undefined ? null : causesOf(filter.cause),
    ],
  )
  return pageOf(rows, limit)
}

/** What has become of the jobs of an event, by the rules that made them. */
export async function jobsByRule(
  sql: Sql,
  eventId: string,
): Promise<ReadonlyMap<string, Pick<JobSummary, 'id' | 'status' | 'error'>>> {
  const { rows } = await sql.query<Pick<JobSummary, 'id' | 'rule' | 'status' | 'error'>>(
    'select id, rule, status, error from signalbox.jobs where event_id = $1 and settles is null and replay is null',
    [eventId],
  )
  return new Map(rows.map(({ rule, ...job }) => [rule, job]))
}

/**
 * One job with its attempts, steps, outputs and last log lines.
 * @throws AppError `not_found` when there is no such job.
 */
export async function getJob(sql: Sql, id: string): Promise<JobDetail> {
  if (!isUuid(id)) throw notFound(id)
  const read = async <Row extends object>(text: string): Promise<Row[]> => (await sql.query<Row>(text, [id])).rows
  const [row] = await read<
    JobSummary & Pick<JobDetail, 'result' | 'ran_at' | 'waits_for' | 'superseded_by' | 'budget'> & Payload
  >(
    `select ${SUMMARY}, ${WAITS_FOR} as waits_for, superseded_by, input, ${ABOUT} as about, ${RESULT} as result,
       ${isoTime('ran_at')} as ran_at, budget from signalbox.jobs where id = $1`,
  )
  if (row === undefined) throw notFound(id)
  const { input, about, ...job } = row
  const [usage] = await read<JobDetail['usage']>(USAGE)
  return {
    ...job,
    payload: about === null ? input : { event: about.type, delivery_id: about.deliveryId, ...about.facts, input },
    usage: usage ?? { calls: 0, input_tokens: 0, output_tokens: 0, usd: null },
    model_calls: await read<JobDetail['model_calls'][number]>(MODEL_CALLS),
    attempts: await read<JobDetail['attempts'][number]>(ATTEMPTS),
    steps: await read<JobDetail['steps'][number]>(STEPS),
    waits: await read<JobDetail['waits'][number]>(WAITS),
    outputs: await read<JobDetail['outputs'][number]>(OUTPUTS),
    writes: await read<JobDetail['writes'][number]>(WRITES),
    log: await read<JobLogLine>(LAST_LINES),
  }
}

/**
 * One page of a job's log: the lines after the one of id `after` (0: from the first), at most
 * `limit` (1000) of them.
 * @throws AppError `not_found` when there is no such job.
 */
export async function jobLog(
  sql: Sql,
  id: string,
  options: { after?: number; limit?: number } = {},
): Promise<JobLogPage> {
  const limit = Math.min(options.limit ?? MAX_LOG_PAGE, MAX_LOG_PAGE)
  const { rows: jobs } = isUuid(id) ? await sql.query('select from signalbox.jobs where id = $1', [id]) : { rows: [] }
  if (jobs.length === 0) throw notFound(id)
  const { rows } = await sql.query<JobLogLine>(
    `select ${LOG_LINE} from signalbox.job_log where job_id = $1 and job_log.id > $2 order by job_log.id limit $3`,
    [id, options.after ?? 0, limit + 1],
  )
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
}

/**
 * What a log has after the line of id `after`, at most `limit` lines, and where its job was when
 * they were read: of one that has ended no more are to come.
 * @throws AppError `not_found` when there is no such job.
 */
export async function readLogAfter(
  sql: Sql,
  id: string,
  { after, limit }: { after: number; limit: number },
): Promise<{ status: JobSummary['status']; hasEnded: boolean; lines: JobLogLine[] }> {
  if (!isUuid(id)) throw notFound(id)
  const { rows } = await sql.query<{ job: JobSummary['status'] } & (JobLogLine | { id: null })>(
    `select jobs.status as job, last.* from signalbox.jobs left join lateral (
       select ${LOG_LINE} from signalbox.job_log where job_id = jobs.id and job_log.id > $2
       order by job_log.id limit $3
     ) as last on true where jobs.id = $1 order by last.id`,
    [id, after, limit],
    'follow log',
  )
  const [first] = rows
  if (first === undefined) throw notFound(id)
  const { job: status } = first
  const lines = rows.flatMap(({ job: _, ...line }) => (line.id === null ? [] : [line]))
  return { status, hasEnded: ['completed', 'failed', 'cancelled'].includes(status), lines }
}

/** What a job is about: its input, and of the job of an event that. */
type Payload = { input: Json; about: { type: string; deliveryId: string; facts: JsonObject } | null }

/** The error for a job that does not exist. */
export function notFound(id: string): AppError {
  return new AppError('not_found', `There is no job ${JSON.stringify(id)}.`)
}

const SUMMARY = `id, type as job_type, rule, agent as assigned_agent, event_id, status, priority,
  case when status = 'running' then ends_as end as ends_as, coalesce(group_key, joins->>'group_key') as "group",
  greatest(attempt, 0) as attempt, failures, losses, deferrals,
  max_attempts, time_limit_ms, replay, error, ${CAUSE} as cause, ${isoTime('available_at')} as available_at,
  ${isoTime('created_at')} as created_at, ${isoTime('started_at')} as started_at,
  ${isoTime('finished_at')} as completed_at`

// As the view `agent_jobs` has it, which is jsonb: this is read as it is stored.
const ABOUT = `(select json_build_object('type', e.type, 'deliveryId', e.delivery_id, 'facts', e.facts)
    from signalbox.events e where e.id = jobs.event_id and jobs.rule <> 'manual')`

// A completed job's result is that of its last attempt; before that, what its agent returned.
const RESULT = `case when status = 'completed'
    then (select a.result from signalbox.job_attempts a where a.job_id = jobs.id and a.outcome = 'completed')
    else result end`

/** A due job that no live orchestrator would claim. */
export const LACKS_AGENT = `jobs.status = 'pending' and jobs.available_at <= now() and jobs.ran_at is null
    and not exists (select from signalbox.nodes n where jobs.agent = any(n.agents) and ${isAlive('n')})`

const GROUP_RUNS = `jobs.status = 'pending' and jobs.group_key is not null and jobs.group_limit <= (
      select count(*) from signalbox.jobs as other where other.group_key = jobs.group_key and other.status = 'running')`

/** What a waiting job waits for, and until when. */
const OPEN_WAITS = `(select string_agg(case kind when 'sleep' then 'The end of "' || name || '"'
      when 'approval' then 'Approval of "' || name || '": ' || (approval->>'reason')
      else 'The event "' || name || '"' end || ', since ' || ${isoTime('since')} || ' and until ' || ${isoTime('until')} || '.', ' '
      order by since, name)
    from signalbox.job_waits w where w.job_id = jobs.id and w.ended_at is null)`

/** Why a job that has not ended is not going on, of the table as `jobs`; null where it is. */
export const WAITS_FOR = `case when jobs.status = 'pending' and ${pauseOf('jobs')} is not null then ${pauseOf('jobs')}
    when jobs.status = 'waiting' then ${OPEN_WAITS}
    when ${LACKS_AGENT} then 'No running orchestrator has the agent "' || agent || '".'
    when ${GROUP_RUNS} then case when group_limit = 1 then 'Another job' else 'As many jobs as may' end
      || ' of its group "' || group_key || '" run' || case when group_limit = 1 then 's.' else '.' end end`

// An attempt gets its row when it ends; the one that runs is read from the job.
const ATTEMPTS = `select attempt, owner, outcome, error, result,
    ${isoTime('started_at')} as started_at, ${isoTime('finished_at')} as finished_at
  from signalbox.job_attempts where job_id = $1
  union all
  select attempt, owner, null, null, null, ${isoTime('attempt_started_at')}, null
  from signalbox.jobs where id = $1 and status = 'running'
  order by attempt`

const STEPS = `select name, attempt, result, ${isoTime('finished_at')} as finished_at
  from signalbox.job_steps where job_id = $1 order by job_steps.finished_at, name`

// `float8`, because the driver returns a bigint as a text.
const USAGE = `select count(*)::int as calls, coalesce(sum(input_tokens), 0)::float8 as input_tokens,
    coalesce(sum(output_tokens), 0)::float8 as output_tokens, sum(usd) as usd
  from signalbox.job_model_calls where job_id = $1`

const MODEL_CALLS = `select attempt, ${isoTime('at')} as at, name, model, input_tokens::float8 as input_tokens,
    output_tokens::float8 as output_tokens, usd, took_ms
  from signalbox.job_model_calls where job_id = $1 order by job_model_calls.id`

const WAITS = `select name, kind, wanted, repository, number::float8 as number, approval, ${isoTime('since')} as since,
    ${isoTime('until')} as until, ${isoTime('ended_at')} as ended_at, event_id, result,
    (select coalesce(json_agg(json_build_object('decision', decision, 'by', given_by, 'via', via, 'reason', a.reason,
       'event_id', a.event_id, 'at', ${isoTime('a.at')}, 'refusal', refusal) order by a.at, a.id), '[]')
     from signalbox.job_answers a where a.job_id = w.job_id and a.name = w.name) as answers
  from signalbox.job_waits w where job_id = $1 order by w.since, name`

const OUTPUTS = `select position, kind, status, early, reason, receipt, preview, body,
    ${isoTime('published_at')} as published_at
  from signalbox.outputs where job_id = $1 order by position`

const WRITES = `select position, attempt, rule, agent, kind, repository, config_sha256, output_sha256, access, receipt,
    ${isoTime('written_at')} as written_at from signalbox.writes where job_id = $1 order by id`

const LOG_LINE = `job_log.id, attempt, ${isoTime('at')} as at, stream, line, fields`

const LAST_LINES = `select * from (
    select ${LOG_LINE} from signalbox.job_log where job_id = $1 order by job_log.id desc limit 500
  ) as last order by id`
