// Jobs on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { LOG_STREAMS } from '../lib/log-line.ts'
import { budget, json, jsonObject, time } from '../lib/wire.ts'
import { jobCause } from './failure-cause.ts'

/** Where a job is. */
export const jobStatus = z.enum(['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled'])

/** A job as lists show it; names are those of the view `agent_jobs` where it has them. */
export const jobSummary = z
  .object({
    id: z.uuid(),
    job_type: z.string(),
    rule: z.string(),
    assigned_agent: z.string(),
    event_id: z.uuid().nullable(),
    status: jobStatus,
    ends_as: jobStatus
      .nullable()
      .meta({ description: 'Of a running job that was cancelled or ended by hand: its status once it has stopped.' }),
    priority: z.int(),
    group: z
      .string()
      .nullable()
      .meta({ description: 'Of the jobs of one group only so many run at a time as their rule allows.' }),
    attempt: z.int().meta({ description: 'How often it was started.' }),
    failures: z.int().meta({ description: 'How many attempts failed; the job fails at `max_attempts`.' }),
    deferrals: z.int().meta({ description: 'How often it was put off, which is no failure; the job fails at 1,000.' }),
    losses: z.int().meta({ description: 'How often its orchestrator was lost; the job fails at 10.' }),
    max_attempts: z.int(),
    time_limit_ms: z.int(),
    replay: z.uuid().nullable().meta({ description: 'The replay that made it of an event which was there already.' }),
    error: z
      .string()
      .nullable()
      .meta({ description: 'The last error; of a job that waits for its next attempt, too.' }),
    cause: jobCause.nullable().meta({ description: 'Why it has failed; null: it has not.' }),
    available_at: time.meta({ description: 'When it may start (again); of a running job, when its lease ends.' }),
    created_at: time,
    started_at: time.nullable(),
    completed_at: time.nullable(),
  })
  .meta({ id: 'JobSummary' })
export type JobSummary = z.infer<typeof jobSummary>

const jobAttempt = z
  .object({
    attempt: z.int(),
    owner: z.uuid().meta({ description: 'The orchestrator that made it.' }),
    outcome: z
      .enum(['completed', 'failed', 'retried', 'waiting', 'lost', 'cancelled'])
      .nullable()
      .meta({ description: 'Null while it runs; `waiting` when the job has to wait, `lost` when its process ended.' }),
    error: z.string().nullable(),
    result: json,
    started_at: time,
    finished_at: time.nullable(),
  })
  .meta({ id: 'JobAttempt' })

const jobStep = z
  .object({ name: z.string(), attempt: z.int(), result: json, finished_at: time })
  .meta({ id: 'JobStep' })

const modelCall = z
  .object({
    attempt: z.int(),
    at: time,
    name: z.string().nullable().meta({ description: 'The step it was made for.' }),
    model: z.string(),
    input_tokens: z.int(),
    output_tokens: z.int(),
    usd: z.number().nullable().meta({ description: 'Null where the configuration has no price for the model.' }),
    took_ms: z.int(),
  })
  .meta({ id: 'ModelCall' })

const modelUsage = z
  .object({
    calls: z.int(),
    input_tokens: z.int(),
    output_tokens: z.int(),
    usd: z.number().nullable().meta({ description: 'Of the calls whose price is known; null when none is.' }),
  })
  .meta({ id: 'ModelUsage' })

const jobAnswer = z
  .object({
    decision: z.enum(['approve', 'reject', 'moved']).meta({ description: '`moved`: the pull request was pushed to.' }),
    by: z.string().nullable(),
    via: z.enum(['comment', 'review', 'push', 'api']),
    reason: z.string().nullable(),
    event_id: z.uuid().nullable(),
    at: time,
    refusal: z.string().nullable().meta({ description: 'Why it does not count.' }),
  })
  .meta({ id: 'JobAnswer' })

const jobWait = z
  .object({
    name: z.string(),
    kind: z.enum(['sleep', 'event', 'approval']),
    wanted: jsonObject
      .nullable()
      .meta({ description: 'Which events: types, sources, conditions on facts and payload.' }),
    repository: z.string().nullable(),
    number: z.int().nullable().meta({ description: 'Of which issue or pull request; null is any.' }),
    approval: jsonObject
      .nullable()
      .meta({ description: 'Why it is asked for, who may give it, for which commit, and the outputs it is for.' }),
    since: time,
    until: time,
    ended_at: time.nullable(),
    event_id: z.uuid().nullable().meta({ description: 'The event that ended it.' }),
    result: json.meta({ description: 'What came of an approval.' }),
    answers: z.array(jobAnswer),
  })
  .meta({ id: 'JobWait' })

/** What a job that waited made of an event. */
export const waitExplanation = z
  .object({ job_id: z.uuid(), name: z.string(), matched: z.boolean(), sentence: z.string() })
  .meta({ id: 'WaitExplanation' })
export type WaitExplanation = z.infer<typeof waitExplanation>

const receipt = z
  .object({
    url: z.string(),
    number: z.int().optional(),
    branch: z.string().optional(),
    sha: z.string().optional(),
    created: z.boolean().meta({ description: 'False when it was there already.' }),
    note: z.string().optional().meta({ description: 'What of it the forge has refused, and why.' }),
  })
  .meta({ id: 'Receipt' })

const jobOutput = z
  .object({
    position: z.int(),
    kind: z.string(),
    status: z.enum(['pending', 'published', 'staged', 'refused', 'otherwise', 'replaced']).meta({
      description:
        '`staged`: shown, and not written, because its rule says so. `otherwise`: written if the job ends without completing; `replaced` by another one for that case.',
    }),
    early: z
      .string()
      .nullable()
      .meta({ description: 'What the agent called it when it published it in the middle of its run.' }),
    reason: z.string().nullable().meta({ description: 'Why it was refused.' }),
    receipt: receipt.nullable(),
    preview: z.string().nullable().meta({ description: 'What a staged one would have written: its texts and a diff.' }),
    body: jsonObject.meta({ description: 'What the agent asked for.' }),
    published_at: time.nullable(),
  })
  .meta({ id: 'JobOutput' })

const jobWrite = z
  .object({
    position: z.int().meta({ description: 'The output that was written.' }),
    attempt: z.int(),
    rule: z.string(),
    agent: z.string(),
    kind: z.string(),
    repository: z.string(),
    config_sha256: z
      .string()
      .nullable()
      .meta({ description: 'Of the rule and its agent as they were configured when the job was made.' }),
    output_sha256: z.string().meta({ description: 'Of the output as JSON.' }),
    access: z
      .record(z.string(), z.string())
      .nullable()
      .meta({ description: 'What the token was allowed; null where only the token says.' }),
    receipt,
    written_at: time,
  })
  .meta({ id: 'JobWrite' })

const jobLogLine = z
  .object({
    id: z.int(),
    attempt: z.int(),
    at: time,
    stream: z.enum(LOG_STREAMS),
    line: z.string(),
    fields: jsonObject.nullable().meta({ description: 'What the agent gave with the line; null when it gave none.' }),
  })
  .meta({ id: 'JobLogLine' })
export type JobLogLine = z.infer<typeof jobLogLine>

/** One page of a job's log, oldest line first. */
export const jobLogPage = z
  .object({
    items: z.array(jobLogLine),
    next: z.int().nullable().meta({ description: 'The `after` of the next page; null at the end of the log.' }),
  })
  .meta({ id: 'JobLogPage' })
export type JobLogPage = z.infer<typeof jobLogPage>

/** One job with everything that is known of it. */
export const jobDetail = jobSummary
  .extend({
    waits_for: z
      .string()
      .nullable()
      .meta({ description: 'What a waiting job waits for; why a job that is due is not begun, where that is known.' }),
    superseded_by: z.uuid().nullable().meta({ description: 'The job of a newer event that is done in its place.' }),
    payload: json.meta({
      description:
        'What it is about: of a job by hand what was given; of a job of an event `event` (its type), `delivery_id`, the facts of the event, and `input`, that of its agent.',
    }),
    result: json,
    ran_at: time.nullable().meta({ description: 'When its agent left outputs: it does not run again for them.' }),
    attempts: z.array(jobAttempt),
    steps: z.array(jobStep),
    waits: z.array(jobWait),
    budget: budget.nullable().meta({ description: 'What it may use in all its attempts together.' }),
    usage: modelUsage.meta({ description: 'What it has used of models.' }),
    model_calls: z.array(modelCall),
    outputs: z.array(jobOutput),
    writes: z.array(jobWrite).meta({ description: 'What was written to the forge, as it is kept for ever.' }),
    log: z.array(jobLogLine).meta({ description: 'Its last 500 lines, oldest first.' }),
  })
  .meta({ id: 'JobDetail' })
export type JobDetail = z.infer<typeof jobDetail>
