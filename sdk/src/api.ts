// What the HTTP API takes and answers of events, jobs and what is configured, field by field. Times
// are ISO 8601 in UTC.
import type { Json } from './payload.ts'

/** One page of rows, newest first; pass `next` as `cursor` for the following one. */
export type Page<Item> = { items: Item[]; next: string | null }

/** Which page of a list: 1 to 100 rows (default 50), and the `next` of the page before. */
export type PageQuery = { limit?: number | undefined; cursor?: string | undefined }

/** What became of an event. */
export type EventStatus = 'routed' | 'ignored' | 'rejected'

/** What rules and endpoints match on; a fact that is unknown is absent. */
export type Facts = {
  repository?: string | undefined
  branch?: string | undefined
  tag?: string | undefined
  label?: string | undefined
  labels?: string[] | undefined
  action?: string | undefined
  author?: string | undefined
  sender?: string | undefined
  senderType?: string | undefined
  textAuthor?: string | undefined
  association?: string | undefined
  isPullRequest?: boolean | undefined
  fromFork?: boolean | undefined
  prerelease?: boolean | undefined
  isDraft?: boolean | undefined
  onDefaultBranch?: boolean | undefined
  originator?: string | undefined
  self?: boolean | undefined
  command?: string | undefined
  arguments?: string[] | undefined
  environment?: string | undefined
  app?: string | undefined
  project?: string | undefined
  sha?: string | undefined
  number?: number | undefined
}

type EventFields = {
  id: string
  source: string
  /** The sender's id: a repeat of it is the same event. */
  delivery_id: string
  type: string
  status: EventStatus
  /** Why it was ignored or rejected. */
  reason: string | null
  subject: string | null
  actor: string | null
  facts: Facts
  content_type: string | null
  headers: Record<string, string>
  /** How many internal events are between this one and something from outside. */
  depth: number
  received_at: string
  /** When a check for gaps recorded it, because it had not arrived; null when it came by itself. */
  recovered_at: string | null
  /** When its body and payload were deleted, because they were old; null when they were not. */
  body_pruned_at: string | null
}

/** An event without what it says. */
export type EventSummary = EventFields & { body_bytes: number | null }

/** One event with what it says; null when there is nothing. */
export type EventDetail = EventFields & { payload: Json }

/** The raw bytes of an event, and the type they came with. */
export type EventBody = { bytes: Uint8Array<ArrayBuffer>; contentType: string | null }

/** What every rule and endpoint makes of one event. */
export type EventExplanation = {
  event: Pick<EventFields, 'id' | 'type' | 'status' | 'reason'>
  rules: {
    rule: string
    matched: boolean
    sentence: string
    checks: { part: string; wanted: string; actual: string; holds: boolean }[]
    /** The job that it made of the event when that came; null: it made none. */
    job: { id: string; status: string; error: string | null } | null
  }[]
  endpoints: { endpoint: string; matched: boolean; sentence: string }[]
  /** What each job that waited made of it. */
  waits: { job_id: string; name: string; matched: boolean; sentence: string }[]
}

/** A type of events. */
export type EventTypeSummary = {
  /** What `events` of an endpoint and `on` of a rule match. */
  type: string
  /** `signalbox` for what Signalbox reports itself. */
  source: string
  description: string
}

/** A type of events with the JSON Schema of what is sent, and an example. */
export type EventTypeDetail = EventTypeSummary & {
  schema: { [key: string]: Json }
  example: { [key: string]: Json }
}

/** Which events to list; `type` may be a glob such as `issues.*`. */
export type EventQuery = PageQuery & {
  type?: string | undefined
  source?: string | undefined
  status?: EventStatus | undefined
  subject?: string | undefined
}

/** Which events to read, oldest first. */
export type FeedQuery = {
  /** A `cursor` of an earlier event; `0` is the beginning, and `now` the end. */
  after: string
  /** A type, or a glob such as `issues.*`. */
  type?: string | undefined
  source?: string | undefined
  /** The form of the events. */
  form?: 'envelope' | undefined
  /** Whether to wait for more at the end. Default true. */
  follow?: boolean | undefined
  /** Ends it, once aborted, after at most the twenty seconds of one call. */
  signal?: AbortSignal | undefined
}

/** An event as it is read; its `cursor` goes on after it. */
export type FeedEvent = EventSummary & { cursor: string }

/** An event as endpoints are sent it: `body` is what deliveries send, to the byte. */
export type FeedEnvelope = { id: string; type: string; cursor: string; body: string | null }

/** Where a job is. */
export type JobStatus = 'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'

/**
 * Why a job has failed. `error`, `crash`, `lost` and `limit` are faults of the installation:
 * something unexpected was thrown, its process ended, its orchestrators vanished, or it used up its
 * time, budget or attempts. Its agent gave up or was `refused`, something `outside` could not be
 * reached, or a person ended it.
 */
export type JobCause = 'error' | 'crash' | 'lost' | 'limit' | 'refused' | 'outside' | 'by hand'

/** One durable unit of work. */
export type JobSummary = {
  id: string
  job_type: string
  rule: string
  assigned_agent: string
  event_id: string | null
  status: JobStatus
  /** Of a running job that was cancelled or ended by hand: its status once it has stopped. */
  ends_as: JobStatus | null
  priority: number
  /** Of the jobs of one group only so many run at a time as their rule allows. */
  group: string | null
  /** How often it was started. */
  attempt: number
  /** How many attempts failed; the job fails at `max_attempts`. */
  failures: number
  /** How often it was put off, which is no failure; the job fails at 1,000. */
  deferrals: number
  /** How often its orchestrator was lost; the job fails at 10. */
  losses: number
  max_attempts: number
  time_limit_ms: number
  /** The replay that made it of an event which was there already. */
  replay: string | null
  error: string | null
  /** Why it has failed; null: it has not. */
  cause: JobCause | null
  /** When it may start (again); of a running job, when its lease ends. */
  available_at: string
  created_at: string
  started_at: string | null
  completed_at: string | null
}

/** How an attempt ended; null while it runs, `lost` when its process ended. */
export type AttemptOutcome = 'completed' | 'failed' | 'retried' | 'lost' | 'cancelled' | null

/** One attempt of a job. */
export type JobAttempt = {
  attempt: number
  /** The orchestrator that made it. */
  owner: string
  /** `waiting` when the job has to wait for something. */
  outcome: AttemptOutcome | 'waiting'
  error: string | null
  result: Json
  started_at: string
  finished_at: string | null
}

/** A finished step of a job: it does not run again. */
export type JobStep = { name: string; attempt: number; result: Json; finished_at: string }

/** What a job may use in all its attempts together. */
export type Budget = { tokens?: number | undefined; usd?: number | undefined; minutes?: number | undefined }

/** A call of a model that was answered; `usd` is null where no price is known. */
export type ModelCall = {
  attempt: number
  at: string
  /** The step it was made for. */
  name: string | null
  model: string
  input_tokens: number
  output_tokens: number
  usd: number | null
  took_ms: number
}

/**
 * Where an output is on the forge; `created` is false when it was there already. `note` says what
 * of it the forge has refused.
 */
export type Receipt = {
  url: string
  number?: number | undefined
  branch?: string | undefined
  sha?: string | undefined
  created: boolean
  note?: string | undefined
}

/** What an agent asked to have written to the forge, and the receipt once it is there. */
export type JobOutput = {
  position: number
  kind: string
  /**
   * `staged`: shown, and not written, because its rule says so. `otherwise`: written if the job
   * ends without completing; `replaced` by another one for that case.
   */
  status: 'pending' | 'published' | 'staged' | 'refused' | 'otherwise' | 'replaced'
  /** What the agent called it when it published it in the middle of its run. */
  early: string | null
  /** Why it was refused. */
  reason: string | null
  receipt: Receipt | null
  /** What a staged one would have written: its texts and a diff. */
  preview: string | null
  body: Record<string, Json>
  published_at: string | null
}

/** What was written to the forge, as it is kept for ever. */
export type JobWrite = {
  /** The output that was written. */
  position: number
  attempt: number
  rule: string
  agent: string
  kind: string
  repository: string
  /** Of the rule and its agent as they were configured when the job was made. */
  config_sha256: string | null
  /** Of the output as JSON. */
  output_sha256: string
  /** What the token was allowed; null where only the token says. */
  access: Record<string, string> | null
  receipt: Receipt
  written_at: string
}

/** One line of a job's log. */
export type JobLogLine = {
  id: number
  attempt: number
  at: string
  stream: 'log' | 'stdout' | 'stderr'
  line: string
  /** What the agent gave with the line. */
  fields: { [key: string]: Json } | null
}

/** Part of a job's log, oldest line first; pass `next` as `after` for what follows. */
export type JobLogPage = { items: JobLogLine[]; next: number | null }

/** An answer to an approval that a job waits for. */
export type JobAnswer = {
  /** `moved`: the pull request was pushed to. */
  decision: 'approve' | 'reject' | 'moved'
  by: string | null
  via: 'comment' | 'review' | 'push' | 'api'
  reason: string | null
  event_id: string | null
  at: string
  /** Why it does not count. */
  refusal: string | null
}

/** How an approval is answered. */
export type JobAnswerInput = { name?: string | undefined; reason?: string | undefined; by?: string | undefined }

/** What a job waits for, or has waited for. */
export type JobWait = {
  name: string
  kind: 'sleep' | 'event' | 'approval'
  /** Which events: types, sources, conditions on facts and payload. */
  wanted: { [key: string]: Json } | null
  repository: string | null
  number: number | null
  /** Why an approval is asked for, who may give it, for which commit, and for which outputs. */
  approval: { [key: string]: Json } | null
  since: string
  until: string
  ended_at: string | null
  event_id: string | null
  result: Json
  answers: JobAnswer[]
}

/** One job with everything that is known of it; `log` has its last 500 lines. */
export type JobDetail = JobSummary & {
  /** What a waiting job waits for; why a job that is due is not begun, where that is known. */
  waits_for: string | null
  /** The job of a newer event that is done in its place. */
  superseded_by: string | null
  /**
   * What it is about: of a job by hand what was given; of a job of an event `event` (its type),
   * `delivery_id`, the facts of the event, and `input`, that of its agent.
   */
  payload: Json
  result: Json
  /** When its agent left outputs: it does not run again for them. */
  ran_at: string | null
  attempts: JobAttempt[]
  steps: JobStep[]
  waits: JobWait[]
  /** What it may use in all its attempts together. */
  budget: Budget | null
  /** What it has used of models; `usd` of the calls whose price is known. */
  usage: { calls: number; input_tokens: number; output_tokens: number; usd: number | null }
  model_calls: ModelCall[]
  outputs: JobOutput[]
  writes: JobWrite[]
  log: JobLogLine[]
}

/** Which jobs to list. */
export type JobQuery = PageQuery & {
  status?: JobStatus | undefined
  type?: string | undefined
  agent?: string | undefined
  rule?: string | undefined
  /** `ours` is each of `error`, `crash`, `lost` and `limit`. */
  cause?: JobCause | 'ours' | undefined
  event_id?: string | undefined
}

/** A configured rule, with its defaults filled in. */
export type RuleSummary = {
  name: string
  on: string[]
  source: string[] | null
  when: Record<string, Json> | null
  /** The command that the text must give; null is none. */
  command: Record<string, Json> | null
  /** Who may trigger it, the default included; null: whoever causes its events. */
  who: Record<string, Json> | 'anyone' | null
  /** Whether what Signalbox wrote itself may trigger it. */
  self: boolean
  agent: string
  with: Record<string, Json> | null
  job_type: string
  priority: number
  /** How many jobs of a group run at a time, and what becomes of the others. */
  concurrency: { key: string; limit: number; mode: 'queue' | 'latest' | 'next' | 'skip' } | null
  debounce: { quiet_ms: number; max_ms: number } | null
  /** Jobs for one subject; 0 is any number, null is 20 for issues and pull requests. */
  ceiling_per_hour: number | null
  max_attempts: number
  time_limit_ms: number
  /** What to set before it makes jobs, as the rest of a sentence; null: it is on. */
  off: string | null
  /** While it is paused it makes no jobs; null: it does. */
  paused: { since: string; reason: string } | null
  /** The kinds of outputs that it may write, and how; null is the default. */
  outputs: Record<string, Json> | null
  /** Where it may write, as globs; null: the event's own repository. */
  repositories: string[] | null
  /** Whether outputs are shown and not written. */
  staged: boolean
  /** The model it names; null: the agent's, or the default one. */
  model: string | null
  budget: Budget | null
}

/** A configured agent; `job_types` are other names than its own to ask for its jobs by hand. */
export type AgentSummary = { name: string; description: string; job_types: string[] }

/** A configured source; one without secrets is closed. */
export type SourceSummary = {
  name: string
  path: string
  status: 'open' | 'closed'
  secrets: number
  /** While it is paused, what follows from its events is held; null: it is not. */
  paused: { since: string; reason: string } | null
}

/** What a webhook or a manual trigger recorded; `jobs` are the ids of the jobs it made. */
export type WebhookReceipt = {
  received: true
  event_id: string
  event_type: string
  duplicate: boolean
  status: EventStatus
  job_created: string | null
  jobs: string[]
  message: string
}

/** How one part of a server does. `details` are shown to whoever has the token. */
export type HealthPart = {
  status: 'ok' | 'warning' | 'problem' | 'unknown'
  problem: string | null
  details?: Record<string, string | number | boolean | null>
}

/** Whether a server can record what it is sent, and what else is wrong. */
export type Health = {
  service: 'signalbox'
  status: 'healthy' | 'degraded' | 'unhealthy'
  version: string
  database: 'connected' | 'unavailable'
  parts: Record<'database' | 'orchestrators' | 'jobs' | 'deliveries' | 'disk' | 'clock', HealthPart>
}
