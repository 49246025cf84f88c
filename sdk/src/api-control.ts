// What the HTTP API takes and answers of pauses, and of changes of many jobs, field by field.
import type { JobCause } from './api.ts'

/** What can be paused. */
export type PauseKind = 'everything' | 'source' | 'rule' | 'endpoint'

/** Something that is paused. */
export type Pause = {
  kind: PauseKind
  /** Of the source, rule or endpoint; null: everything. */
  name: string | null
  /** Of an endpoint. */
  id: string | null
  reason: string
  paused_by: string | null
  since: string
  /** When it was resumed; null while it is paused. */
  until: string | null
  /** `held`: its work waits until it is resumed. `not made`: a paused rule makes no jobs. */
  effect: 'held' | 'not made'
}

/** What to pause: a source or rule by its name, an endpoint by its id. */
export type PauseInput = {
  kind: PauseKind
  name?: string | undefined
  reason?: string | undefined
  /** Who pauses it, for the record. */
  by?: string | undefined
  /**
   * What becomes of its running jobs: they end (the default), are stopped and go on once it is
   * resumed, or are cancelled.
   */
  running?: 'finish' | 'stop' | 'cancel' | undefined
}

/** What a pause came to: how many running jobs are being stopped or cancelled. */
export type PauseResult = Pause & { stopped: number }

/** What a resumption came to; `resumed` is false when it was not paused. */
export type Resumed = { kind: PauseKind; name: string | null; resumed: boolean; still_paused: Pause[] }

/** Which jobs; at least one of these must be given. */
export type JobSelection = {
  rule?: string | undefined
  type?: string | undefined
  agent?: string | undefined
  /** Of the events of this source. */
  source?: string | undefined
  /** Made at this time or later; of a retry: ended then. */
  since?: string | undefined
  until?: string | undefined
  /** Only count them. */
  dry_run?: boolean | undefined
}

/** Which ended jobs to start again. */
export type RetryManyInput = JobSelection & {
  /** Default: the failed ones. */
  status?: ('failed' | 'cancelled')[] | undefined
  /** `ours` is each of `error`, `crash`, `lost` and `limit`. */
  cause?: JobCause | 'ours' | undefined
  /** Forget steps and outputs, and run the agents again. */
  from_start?: boolean | undefined
}

/** Which jobs to cancel; by default whatever they do now. */
export type CancelManyInput = JobSelection & { status?: ('pending' | 'running' | 'waiting')[] | undefined }

/** Which jobs to give another priority: 1 to 10, the highest first. */
export type PriorityManyInput = CancelManyInput & { priority: number }

/** What a change of many jobs came to; `more` says that there are more than one call changes. */
export type ChangedJobs = { count: number; more: boolean; by_rule: Record<string, number>; dry_run: boolean }
