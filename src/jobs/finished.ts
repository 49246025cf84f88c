// The event that says how a job ended: `job.completed` or `job.failed`, in the same log as
// everything else.
import type { Sql } from '../db/database.ts'
import type { Draft, Event, Recorded } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import { ownEvent } from '../lib/own-event.ts'
import type { TracedEvent } from '../lib/trace-context.ts'
import { traceparentOf } from '../lib/trace-context.ts'
import { attemptSpan } from '../spans/job-trace.ts'
import type { Finished } from './job.ts'

/**
 * What is passed on of the event that made the job, so that endpoints and rules can match on it.
 */
export type Cause = Pick<Event, 'depth' | 'subject' | 'facts'> & Partial<Pick<Event, 'id' | 'headers'>>

/**
 * Runs in the transaction that ends jobs. Returns whether it made work for others: jobs or
 * deliveries.
 */
export type OnFinished = (tx: Sql, finished: readonly Finished[]) => Promise<boolean>

/** What recording the ends of jobs needs from the event log. */
export type FinishedParts = {
  clock: Clock
  /** The causes of jobs, by the ids of their events. */
  causesOf(tx: Sql, eventIds: readonly string[]): Promise<ReadonlyMap<string, Cause>>
  recordIn(tx: Sql, drafts: Draft[]): Promise<readonly Recorded[]>
  /** Notes with their rules how jobs ended; returns the events of what follows from it. */
  noteWithRules(tx: Sql, ended: readonly (Finished & { cause: Cause | null })[]): Promise<Draft[]>
}

/** Records one event for each job that was not cancelled, and what follows for the rules. */
export function recordFinished({ clock, causesOf, recordIn, noteWithRules }: FinishedParts): OnFinished {
  return async (tx, finished) => {
    const eventIds = finished.flatMap(({ job }) => job.eventId ?? [])
    const causes = eventIds.length === 0 ? new Map<string, Cause>() : await causesOf(tx, eventIds)
    const now = clock.now()
    const ended = finished.map((one) => ({ ...one, cause: causes.get(one.job.eventId ?? '') ?? null }))
    const drafts = ended.flatMap((one) => (one.outcome === 'cancelled' ? [] : [finishedJobEvent(one, one.cause, now)]))
    drafts.push(...(await noteWithRules(tx, ended)))
    if (drafts.length === 0) return false
    const recorded = await recordIn(tx, drafts)
    return recorded.some(({ status }) => status === 'routed')
  }
}

/** An attempt ends once, but a job can be begun again and ended by hand before its next one. */
function deliveryIdOf({ id, attempt, endedByHandAt: at }: Finished['job']): string {
  return `job_${id}_${attempt}${at === undefined ? '' : `_${at.getTime()}`}`
}

/** Builds the event. */
export function finishedJobEvent({ job, ...ended }: Finished, cause: Cause | null, now: Date): Draft {
  const subject = cause?.subject ?? null
  const data = {
    job_id: job.id,
    job_type: job.type,
    rule: job.rule,
    agent: job.agent,
    attempt: job.attempt,
    event_id: job.eventId,
    subject,
    ...(ended.outcome === 'completed' ? { result: ended.result ?? null } : { error: ended.error }),
  }
  return ownEvent(
    {
      type: `job.${ended.outcome}`,
      deliveryId: deliveryIdOf(job),
      subject,
      actor: job.agent,
      facts: cause?.facts ?? {},
      data,
      depth: (cause?.depth ?? 0) + 1,
      causeJobId: job.id,
      headers: tracedBy(job, cause),
    },
    now,
  )
}

/** Its attempt goes on with the trace of the event that made it. */
function tracedBy(job: Parameters<typeof attemptSpan>[0], cause: Cause | null): Record<string, string> {
  const tracestate = cause?.headers?.tracestate
  const traceparent = traceparentOf(attemptSpan(job, tracedOf(cause)).own)
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate }
}

function tracedOf(cause: Cause | null): TracedEvent | null {
  return cause?.id === undefined ? null : { id: cause.id, headers: cause.headers ?? {} }
}
