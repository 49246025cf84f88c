// What an attempt begins with: its agent, the event that made its job, and the job itself.
import type { Agent, AgentContext } from '../agents/agent.ts'
import { isAway } from '../db/connection.ts'
import type { Event } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText, GiveUp, RetryAt } from '../lib/error.ts'
import type { JobRow } from './job.ts'
import type { Observed } from './observed.ts'

type Beginning = {
  clock: Clock
  loadEvent(id: string): Promise<Event | null>
  publicUrl?: string | undefined
  observed: Observed
}

/** The event that made the job, with the trace that the attempt is in. */
export async function eventOf({ clock, loadEvent, observed }: Beginning, row: JobRow): Promise<Event | null> {
  const event = row.event_id === null ? null : await beforeWork(clock, loadEvent(row.event_id))
  if (event !== null) observed.trace.causedBy(event)
  return event
}

/** What the agent gets of its job. */
export function jobOf(
  { publicUrl, observed }: Beginning,
  { id, type, rule, attempt }: JobRow,
): AgentContext<unknown>['job'] {
  const url = publicUrl === undefined ? undefined : `${publicUrl.replace(/(?<!\/)\/+$/, '')}/api/jobs/${id}`
  return { id, type, rule, attempt, url, traceparent: observed.trace.traceparent() }
}

/**
 * The agent of a job.
 * @throws GiveUp when this process has none of that name.
 */
export function agentOf(agents: ReadonlyMap<string, Agent>, name: string): Agent {
  const agent = agents.get(name)
  if (agent) return agent
  const known = [...agents.keys()].sort().join(', ') || 'none'
  throw new GiveUp(`There is no agent "${name}"; there are: ${known}.`)
}

/**
 * Reads what an attempt begins with. A database that is away is no failure as long as nothing was
 * done.
 */
export function beforeWork<T>(clock: Clock, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw isAway(error) ? new RetryAt(clock.now(), errorText(error)) : error
  })
}
