// The events that this program records about itself: how a job ended, that a rule is paused, how an
// endpoint does.
import type { Draft } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import { newId } from './id.ts'

/** What such an event is made of; `projectId` is left out of what is sent where it is absent. */
export type OwnEvent = Pick<Draft, 'type' | 'deliveryId' | 'subject' | 'actor' | 'facts' | 'depth' | 'causeJobId'> & {
  id?: string
  data: object
  projectId?: string | null
  /** What is to be kept besides: the trace that it is in. */
  headers?: Record<string, string>
}

/** Builds it. Its body is what endpoints are sent: `event, timestamp, delivery_id, data`. */
export function ownEvent({ id, data, projectId, facts, headers = {}, ...about }: OwnEvent, now: Date): Draft {
  const body = {
    event: about.type,
    timestamp: now.toISOString(),
    delivery_id: about.deliveryId,
    ...(projectId !== undefined && { project_id: projectId }),
    data,
  }
  return {
    ...about,
    id: id ?? newId(now),
    source: 'signalbox',
    facts: passedOn(facts),
    body: Buffer.from(JSON.stringify(body)),
    payload: null,
    contentType: 'application/json',
    headers,
  }
}

/**
 * What still holds of the facts of an event that this one follows from: it is about the same thing,
 * for whoever began the chain. It gives no command again, and is no write.
 */
function passedOn({ command: _, arguments: __, self, sender, senderType, ...facts }: Facts): Facts {
  const originator = facts.originator ?? (self ? undefined : sender)
  // The sender of an own write is this program.
  const by = self ? { sender: originator } : { sender, senderType }
  return defined({ ...facts, ...by, originator })
}

function defined(facts: { [Name in keyof Facts]?: Facts[Name] | undefined }): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
}
