// The contract of an agent: the code that does a job. It writes nothing itself; it returns outputs.
import type { z } from 'zod'
import type { Event } from '../events/event.ts'
import type { Ledger, ReturnedReview } from '../findings/finding.ts'
import type { ReadForge } from '../forges/forge.ts'
import type { Approval, ApprovalOptions } from '../jobs/approval.ts'
import type { AwaitedEvent } from '../jobs/waits.ts'
import type { WaitOptions } from '../jobs/wanted.ts'
import type { LogFields, LogStream } from '../lib/log-line.ts'
import type { Model } from '../models/model.ts'
import type { ModelRef } from '../models/model-ref.ts'
import type { Output, Receipt } from '../publisher/output.ts'
import type { CheckedOut, CheckoutOptions } from '../workspaces/checkout.ts'
import type { Isolation, Surroundings } from './isolation/isolation.ts'

/** In `{{job.reason}}` of a text of these, why the job has ended is written. */
export type PublishEarlyOptions = { otherwise?: readonly Output[] }

/** What an agent gets. */
export type AgentContext<Input> = {
  /** `url` is where the job can be seen, if the service has an address. */
  job: {
    id: string
    type: string
    rule: string
    attempt: number
    url?: string | undefined
    /** The span that this attempt is, for what it calls: https://www.w3.org/TR/trace-context/ */
    traceparent?: string | undefined
  }
  /** The job's input, validated by the agent's schema. */
  input: Input
  /**
   * The event that made the job, with its raw body; of a manual job, its trigger. Null for a job
   * that no event made, such as a row inserted by SQL.
   */
  event: Event | null
  /**
   * What the event says: the same payload that the API, the SQL views and the deliveries to
   * endpoints show. Undefined without an event.
   */
  payload: unknown
  /**
   * Runs `fn` and remembers its result (JSON): a later attempt gets that and does not run it again.
   * It runs at least once, and once more if the process ended before the result was stored. Names
   * are unique within a job; a step that threw may be called again by its name.
   */
  step<T>(name: string, fn: () => Promise<T> | T): Promise<T>
  /**
   * Ends the attempt until a time, or for so many milliseconds, without a slot or a process: `run`
   * begins again then, its finished steps are not repeated, and this returns. Names of waits are
   * unique within a job. What it throws must reach the caller of `run`.
   */
  sleep(name: string, until: number | Date): Promise<void>
  /**
   * Ends the attempt like `sleep` until an event like that has been recorded, and returns it; null
   * when the time is up. One that came after the job's own event counts, also before this call.
   */
  waitFor(name: string, options: WaitOptions): Promise<AwaitedEvent | null>
  /**
   * Ends the attempt like `sleep` until somebody whom `who` allows has approved or rejected, until
   * the time is up, or until the pull request's head is another one. With `outputs`, only those
   * can be returned after an approval, or published, which they then need not be twice.
   */
  approval(name: string, options: ApprovalOptions): Promise<Approval>
  /**
   * Writes outputs now, checked like those that `run` returns, and returns their receipts in their
   * order; null where nothing had to be written, and for all of a staged job, whose outputs are
   * only shown. They are stored under the name before the first is written: a later attempt writes
   * what is left of them, returns the same receipts, and stores no others, whatever it gives. A
   * later output of the job with the same `key` updates what was written. `otherwise` is written
   * by the service if the job ends without completing (failed for good, cancelled, superseded); one
   * of a later call replaces one with the same `key`, and one whose `key` was among the outputs
   * that `run` returned, and was written, is left out.
   * @throws GiveUp when they are not valid, or refused; AppError or RetryAt from the forge.
   */
  publish(name: string, outputs: readonly Output[], options?: PublishEarlyOptions): Promise<(Receipt | null)[]>
  /**
   * What a finished step of that name returned in the job that this one superseded, where the rule
   * wants the latest only; undefined when there is none. It is of an older event: look whether it
   * still holds.
   */
  inherited(name: string): Promise<unknown>
  /** Makes an empty folder for this attempt, removed when the attempt ends. */
  workspace(): Promise<string>
  /**
   * Writes the files of a commit into a new folder, removed when the attempt ends, and returns the
   * folder and the commit. Default: the event's repository, at the event's commit. Another
   * repository must be one that the rule's `repositories` names. `ref` is a branch, a tag or
   * a whole SHA. Its repository has the history, and neither a remote nor credentials; `objects` is
   * a folder that Git reads there and a program in a sandbox must see.
   * @throws GiveUp when there is no such repository for this job; AppError `forge_failed` when it
   * cannot be fetched.
   */
  checkout(options?: CheckoutOptions): Promise<CheckedOut>
  /**
   * The model of the job: its rule's, else the agent's, else `SIGNALBOX_MODEL`. Where none is set,
   * or its key is missing, a call gives the job up and says in one sentence what to set.
   */
  model: Model
  /**
   * What reviews have found, in the repositories that the rule names. What this one leaves is
   * returned as `findings`.
   */
  findings: Ledger
  /** The forges, for reading, all repositories through one; null when none is configured. */
  forge: ReadForge | null
  /**
   * Lines of the job's own log, with fields (JSON) that can be searched; or as of a program's
   * output.
   */
  log(line: string, given?: LogFields | LogStream): void
  /** Aborted when the job's time is up, it is cancelled, or its lease is lost. */
  signal: AbortSignal
  now(): Date
}

/** The repository that the environment names, and its branch that pull requests are for. */
export type RepositorySettings = { repository?: string; base?: string }

/**
 * An agent: `input` is a zod schema for the job's input; `run` returns what should be written to
 * the forge, and what the job's row keeps as its result.
 */
export type Agent<Input = unknown> = {
  name: string
  description: string
  input: z.ZodType<Input>
  run(context: AgentContext<Input>): Promise<AgentResult>
  /** Other names than its own under which its jobs can be asked for by hand. */
  jobTypes?: readonly string[]
  /** The model it asks, unless a rule names another. */
  model?: ModelRef
  /**
   * Why it cannot run on this machine, as a sentence; null when nothing is known against it.
   * `signalbox doctor` shows it.
   */
  problem?(): string | null
  /** The same agent as part of a configuration in that folder, which its relative paths are of. */
  inFolder?(folder: string): Agent
  /** The same agent with GITHUB_REPO and GITHUB_BASE_BRANCH where its own options name none. */
  inRepository?(settings: RepositorySettings): Agent
  /**
   * Decides what keeps the programs it starts from what the service knows, before its first
   * attempt.
   * @throws AppError `config_invalid` when it cannot have what it asks for.
   */
  isolate?(service: Surroundings): Promise<Isolation>
  /**
   * `service`: in the process of the service itself, as those do that are trusted and small, or
   * whose work is in a process of its own anyway. Otherwise in a child process.
   */
  runsIn?: 'service'
  /** Repositories that it writes to by its own options, for events that have none. */
  repositories?: readonly string[]
  /** Names of variables of the environment that it passes on: their values are no outputs. */
  env?: readonly string[]
  /** What it was set up with, which counts for the hash that writes are recorded with. */
  settings?: object
}

/**
 * What a finished run returns: what to write to the forge, the job's result (JSON), and what a
 * review found, which is stored with the end of the run.
 */
export type AgentResult = { outputs?: readonly Output[]; result?: unknown; findings?: ReturnedReview }

/** Declares an agent with its input's type inferred from the schema. */
// The registry has agents of any input; the orchestrator parses the input by `agent.input` before
// `run`.
export function defineAgent<Schema extends z.ZodType>(agent: {
  name: string
  description: string
  input: Schema
  jobTypes?: readonly string[]
  model?: ModelRef
  run(context: AgentContext<z.infer<Schema>>): Promise<AgentResult>
}): Agent {
  return agent as Agent
}
