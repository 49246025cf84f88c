// What a rule is: which events become which jobs. Data only, so that it can be shown, tested and
// explained.
import type { Facts } from '../events/facts.ts'
import type { Command } from '../lib/command.ts'
import type { GlobKind, Globs } from '../lib/glob.ts'
import { LOGIN, NAME, REF, REPOSITORY } from '../lib/glob.ts'
import type { Budget } from '../models/budget.ts'
import type { ModelRef } from '../models/model-ref.ts'
import type { OutputLimits } from '../publisher/policy.ts'
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
  prerelease: NAME,
  isDraft: NAME,
  onDefaultBranch: NAME,
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

/** How many jobs of a group run at a time, and what becomes of the others. */
export type Concurrency = {
  /**
   * The group, as a template over facts and the job's input: `deploy:{app}:{input.environment}`.
   * Jobs of other rules with the same one are of the group as well.
   */
  key: string
  /** How many run at a time. Default 1; more only with the mode `queue`. */
  limit?: number
  /**
   * Of the jobs of this rule with the key: `queue` (the default) does all in their turn; `latest`
   * only that of the newest event, for which those that wait or run are cancelled; with `skip` none
   * is made while another has not ended. With `next`, of all jobs with the key and this mode, what
   * has begun is done to its end, and of those that wait only that of the newest event.
   */
  mode?: 'queue' | 'latest' | 'next' | 'skip'
}

/**
 * A job starts `quietMs` after the newest event of its key, and at most `maxMs` after the first. It
 * needs the mode `latest`.
 */
export type Debounce = { quietMs: number; maxMs: number }

/**
 * How many jobs a rule may make for one subject in an hour; more pause it. 0 is any number. Default
 * 20 for issues, pull requests and discussions, whose comments and labels may cause the next job.
 */
export type Ceiling = { perHour: number }

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
  /** How many of its jobs run at a time, and what becomes of the others. Default: any number. */
  concurrency?: Concurrency
  /** Waits for newer events before a job starts. */
  debounce?: Debounce
  /** How many jobs it may make for one subject before it is paused. */
  ceiling?: Ceiling
  /** How many failed attempts end the job; lost ones are counted apart. Default 5. */
  maxAttempts?: number
  /** How long one attempt may take, in milliseconds. Default 15 minutes. */
  timeLimitMs?: number
  /** The model of the agent. Default: the one that the agent names, else `SIGNALBOX_MODEL`. */
  model?: ModelRef
  /** What a job may use in all its attempts together; one over it fails. Default: no limit. */
  budget?: Budget
  /**
   * Which kinds of outputs the agent may write, and how. Default: pull requests on branches of our
   * own, comments, labels, reactions, reviews that only comment, and checks.
   */
  outputs?: OutputLimits
  /**
   * Globs of the repositories that may be written to, case ignored: `acme/*`. Default: the event's
   * own; for a deployment those that deployments go to.
   */
  repositories?: readonly string[]
  /** Shows on the job what would be written, and writes nothing. */
  staged?: boolean
}

/** A rule as an installation has it. */
export type InstalledRule = Rule & {
  /** Why it makes no jobs: what to set, as the rest of a sentence. */
  off?: string
  /** Where its jobs may write when their event is of no repository. */
  home?: readonly string[]
  /** The SHA-256 of the rule and its agent as they are configured. */
  config?: string
}
