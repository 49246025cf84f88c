// What a rule is: which events become which jobs. Data only, so that it can be shown, tested and
// explained.
import type { Facts } from '../events/facts.ts'
import type { Command } from '../lib/command.ts'
import type { GlobKind, Globs } from '../lib/glob.ts'
import { LOGIN, NAME, REF, REPOSITORY } from '../lib/glob.ts'
import type { Policy } from '../publisher/policy.ts'
import type { Who } from './who.ts'

/** The facts that a condition has globs for, and how each compares. */
export const GLOB_PARTS = {
  branch: REF,
  tag: REF,
  label: LOGIN,
  action: NAME,
  environment: NAME,
  app: NAME,
  project: NAME,
  repository: REPOSITORY,
  author: LOGIN,
  sender: LOGIN,
  senderType: NAME,
  textAuthor: LOGIN,
  association: NAME,
  originator: LOGIN,
  fromFork: NAME,
} as const satisfies Partial<Record<keyof Facts, GlobKind>>

/** A fact that a condition has globs for. */
export type GlobPart = keyof typeof GLOB_PARTS

/**
 * All given parts must hold. Values are globs. `label` is the one just added or removed where the
 * event is about one, else any label it carries.
 */
export type Condition = { [Part in GlobPart]?: Globs } & {
  all?: readonly Condition[]
  any?: readonly Condition[]
  not?: Condition
}

/** Which events become a job of which agent. */
export type Rule = {
  /** Unique; a job's id is computed from the event and this name. */
  name: string
  /** Event types, as globs: `push`, `issues.*`; `command` is any event whose text gives one. */
  on: Globs
  /** The sources it may come from, as globs; any if absent. */
  source?: Globs
  when?: Condition
  /** The command that the text must give; its arguments join the agent's input. */
  command?: Command
  /**
   * Who may trigger it. Default `{ permission: 'write' }` where anybody could have caused the
   * event: comments, issues, pull requests, discussions and reviews.
   */
  who?: Who | 'anyone'
  /** Whether what Signalbox wrote itself may trigger it, while the chain is short. Default no. */
  self?: boolean
  /** The agent that does the work. */
  agent: string
  /** Options handed to the agent as its input. */
  with?: Record<string, unknown>
  /** The job's type as `agent_jobs.job_type` shows it; the agent's name if absent. */
  jobType?: string
  /** 1 to 10, higher first. Default 5. */
  priority?: number
  /**
   * Jobs of one group never run at the same time: a template over facts, such as
   * `deploy:{app}:{environment}`.
   */
  group?: string
  /** How many failed attempts end the job; lost ones are counted apart. Default 5. */
  maxAttempts?: number
  /** How long one attempt may take, in milliseconds. Default 15 minutes. */
  timeLimitMs?: number
  /** What the agent's outputs may write; where a part is absent, its default applies. */
  policy?: Policy
}
