// What a job is: a durable unit of work, done by one agent.
import type { Budget } from '../models/budget.ts'
import type { ModelRef } from '../models/model-ref.ts'
import type { Policy } from '../publisher/policy.ts'
import type { Claimed, QueueTable } from '../queue/table.ts'
import type { Question } from '../rules/who.ts'
import type { Wait } from './wait-rows.ts'

/**
 * What a run leaves besides its outcome: its result, what it waits for, that its job may join its
 * group, or what it failed by.
 */
export type RunDetail = { result?: unknown; waits?: readonly Wait[]; mayJoin?: true; cause?: string }

/** Jobs as the queue knows them. */
export const JOBS: QueueTable<RunDetail> = {
  rows: 'signalbox.jobs',
  attempts: 'signalbox.job_attempts',
  attemptsKey: 'job_id',
  succeeded: 'completed',
  cancelled: 'cancelled',
  // What has run has only its outputs to publish, which needs no agent.
  ofKinds: (agents) => `(agent = any(${agents}) or ran_at is not null)`,
  detail: [
    { name: 'result', type: 'json', of: ({ result }) => JSON.stringify(result) ?? null },
    { name: 'cause', type: 'text', of: ({ cause = null }) => cause },
  ],
}

/** What the rest of the program knows of a job. */
export type Job = {
  id: string
  type: string
  rule: string
  agent: string
  /** What its outputs may write; null, of a row inserted by SQL: nothing. */
  policy: Policy | null
  /** Which attempt this is, from 1. */
  attempt: number
  /**
   * The event that made it, for a manual job its trigger; null for a row inserted without one.
   */
  eventId: string | null
  /** What the jobs of its rule are counted by; null or absent: they are not. */
  ceilingSubject?: string | null
  /** Whether those who caused it may, as far as that was to be asked. */
  isAllowed?: boolean
  /** When a person has ended it by SQL while it did not run. */
  endedByHandAt?: Date
  createdAt: Date
}

/** A job that has just ended for good. */
export type Finished =
  | { job: Job; outcome: 'completed'; result: unknown }
  | { job: Job; outcome: 'failed' | 'cancelled'; error: string }

/** Runs `fn`, unless an attempt before has, and remembers its result (JSON). */
export type Step = <T>(name: string, fn: () => Promise<T> | T) => Promise<T>

/** The columns of a claimed job that its run needs. */
export type JobRow = Claimed<{
  event_id: string | null
  type: string
  rule: string
  agent: string
  input: unknown
  policy: Policy | null
  /** What to ask the forge before it runs. */
  who: Question | null
  /** What it joins once that is answered; see admission.ts. */
  joins: object | null
  model: ModelRef | null
  budget: Budget | null
  time_limit_ms: number
  mode: 'queue' | 'latest' | 'next' | 'skip'
  ceiling_subject: string | null
  /** What the agent returned, and when; null while it has not run to its end. */
  result: unknown
  ran_at: Date | null
  /** The job whose outputs for an end without completing this one writes. */
  settles: string | null
  created_at: Date
}>

/** A job as its row has it. */
export function toJob(
  row: Pick<
    JobRow,
    'id' | 'type' | 'rule' | 'agent' | 'policy' | 'joins' | 'attempt' | 'event_id' | 'ceiling_subject' | 'created_at'
  >,
): Job {
  return {
    id: row.id,
    type: row.type,
    rule: row.rule,
    agent: row.agent,
    policy: row.policy,
    attempt: row.attempt,
    eventId: row.event_id,
    ceilingSubject: row.ceiling_subject,
    isAllowed: row.joins === null,
    createdAt: row.created_at,
  }
}
