// The event that says how a job ended: `job.completed` or `job.failed`, in the same log as
// everything else.
import type { Draft, Event } from '../events/event.ts'
import { newId } from '../lib/id.ts'
import type { Finished } from './job.ts'

/**
 * What of the event that made the job is passed on, so that endpoints and rules can match on it.
 */
export type Cause = Pick<Event, 'depth' | 'subject' | 'facts'>

/** Builds the event. Its body is what endpoints are sent: `event, timestamp, delivery_id, data`. */
export function finishedJobEvent({ job, ...ended }: Finished, cause: Cause | null, now: Date): Draft {
  const deliveryId = `job_${job.id}_${job.attempt}`
  const type = `job.${ended.outcome}`
  const body = {
    event: type,
    timestamp: now.toISOString(),
    delivery_id: deliveryId,
    data: {
      job_id: job.id,
      job_type: job.type,
      rule: job.rule,
      agent: job.agent,
      attempt: job.attempt,
      event_id: job.eventId,
      subject: cause?.subject ?? null,
      ...(ended.outcome === 'completed' ? { result: ended.result ?? null } : { error: ended.error }),
    },
  }
  return {
    id: newId(now),
    source: 'signalbox',
    deliveryId,
    type,
    subject: cause?.subject ?? null,
    actor: job.agent,
    facts: cause?.facts ?? {},
    body: Buffer.from(JSON.stringify(body)),
    payload: null,
    contentType: 'application/json',
    headers: {},
    depth: (cause?.depth ?? 0) + 1,
    causeJobId: job.id,
  }
}
