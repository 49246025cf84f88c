// What the HTTP API takes and answers of replays, back-tests, traces and of why something followed,
// field by field. Times are ISO 8601 in UTC.
import type { Facts } from './api.ts'

/** Which events to replay: one, or those of a span of time. */
export type ReplayInput = {
  event_id?: string | undefined
  /** ISO 8601, as `until` is. */
  since?: string | undefined
  until?: string | undefined
  /** An event type, or a glob such as `issues.*`. */
  type?: string | undefined
  source?: string | undefined
  /** Only the jobs of this rule. */
  rule?: string | undefined
  /** Outputs are shown and not written. */
  staged?: boolean | undefined
  /** Counts the events as the newest of their groups. */
  as_new?: boolean | undefined
  /** Make no jobs. */
  dry_run?: boolean | undefined
  /** Who asks for it, for the record. */
  by?: string | undefined
  /** A UUID: the same replay makes no job twice. */
  replay_id?: string | undefined
  /** The `next` of the call before. */
  after?: string | undefined
}

type About = { event_id: string; event_type: string; subject: string | null; received_at: string }

/** A job that a replay makes, or would. */
export type ReplayedJob = About & {
  id: string
  rule: string
  agent: string
  /** `repeated`: this replay had made it before; `skipped`: another of its group has not ended. */
  outcome: 'made' | 'repeated' | 'skipped'
  /** The job of a newer event that is done in its place. */
  superseded_by: string | null
  /** Accounts of which the forge is asked whether they may. */
  asks: string[]
}

/** What a call came to; there is more while `next` is not null. */
export type Replayed = {
  replay_id: string
  dry_run: boolean
  staged: boolean
  as_new: boolean
  events: number
  jobs: ReplayedJob[]
  /** Events that made no job, or not those of every rule for them. */
  kept: (About & { reason: string })[]
  warnings: string[]
  next: string | null
}

/** A node of a trace. */
export type TraceNode = {
  kind: 'deployment' | 'event' | 'job' | 'output' | 'delivery'
  id: string
  /** The id of what it followed from; null at the top. */
  parent: string | null
  depth: number
  /** Whether it is what was asked for. */
  asked: boolean
  title: string
  status: string
  reason: string | null
  about: string | null
  url: string | null
  at: string
  took_ms: number | null
  /** What else followed from it and is not shown; at least so many. */
  more: number
}

/** What followed from what: each node after its parent. `cut` when there is more. */
export type Trace = { nodes: TraceNode[]; cut: boolean }

/** What is asked about: `acme/shop#12`, a branch, a commit, `app/environment`, or an event. */
export type WhyQuery = { about: string; limit?: number | undefined; cursor?: string | undefined }

/** An event about a thing, and why something or nothing followed from it. */
export type WhyEvent = {
  id: string
  source: string
  type: string
  status: 'routed' | 'ignored' | 'rejected'
  reason: string | null
  subject: string | null
  actor: string | null
  received_at: string
  /** When a check for gaps recorded it, because it had not arrived. */
  recovered_at: string | null
  /** The job whose work it reports. */
  caused_by: string | null
  jobs: {
    id: string
    rule: string
    agent: string
    status: 'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'
    error: string | null
    waits_for: string | null
    /** The last pauses, over now, that it waited in before its first attempt. */
    held: { kind: string; name: string | null; reason: string; since: string; until: string }[]
    superseded_by: string | null
    replay: string | null
    outputs: { kind: string; status: string; reason: string | null; url: string | null }[]
  }[]
  /** How many there are of each status. */
  deliveries: { [status: string]: number }
  sentences: string[]
}

/** What reached the server about a thing, newest first; where nothing did, what to check. */
export type Why = { about: string; items: WhyEvent[]; next: string | null; checks: string[] }

/** Which past events a back-test reads: a page of at most 2,000, oldest first. */
export type BacktestQuery = {
  /** ISO 8601, as `until` is. */
  since: string
  until?: string | undefined
  type?: string | undefined
  source?: string | undefined
  /** The `next` of the page before. */
  after?: string | undefined
  limit?: number | undefined
}

/** An event of a back-test; `job_id` is the job that was made of it. */
export type BacktestExample = About & { job_id: string | null }

/** How often a rule would have fired, beside what happened. */
export type RuleTally = {
  rule: string
  fires: number
  same: number
  new: number
  gone: number
  /** Of `fires`, those where the forge would be asked who may. */
  asks: number
  /** The newest of each. */
  examples: { same: BacktestExample[]; new: BacktestExample[]; gone: BacktestExample[] }
}

/** A page of a back-test. */
export type BacktestPage = {
  tally: { events: number; rules: RuleTally[] }
  newest: string | null
  next: string | null
}

/** A past event with the jobs that rules made of it when it came. */
export type PastEvent = {
  id: string
  source: string
  type: string
  status: 'routed' | 'ignored' | 'rejected'
  subject: string | null
  facts: Facts
  depth: number
  received_at: string
  made: { rule: string; id: string }[]
}

/** What the newest completed jobs of a rule have used. */
export type RuleCost = {
  rule: string
  agent: string
  jobs: number
  tokens: number
  usd: number | null
  seconds: number
}
