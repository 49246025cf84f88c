// What is sent for an event: one form of body, whatever the source (pure).
import type { Json } from '@signalbox/sdk'
import { isSignalboxEvent } from '@signalbox/sdk'
import type { Event } from '../events/event.ts'

/** The sources whose bodies are envelopes already: what this program says itself, and its tests. */
const OWN_SOURCES: ReadonlySet<string> = new Set(['deployments', 'signalbox', 'test'])

// It is sent in a header too, and a sender may write anything there. The event's own id is
// shorter.
const MAX_ID_CHARS = 200

/** The parts of an event that its envelope is made from. */
export type EnvelopeEvent = Pick<
  Event,
  'source' | 'type' | 'deliveryId' | 'subject' | 'actor' | 'facts' | 'body' | 'payload' | 'receivedAt'
>

/** Reads what an event says; undefined when it says nothing. */
export type PayloadOf = (event: Pick<Event, 'body' | 'payload'>) => Json | undefined

/** The bytes to send, JSON always, and the delivery id in them. */
export type Envelope = { body: Uint8Array; deliveryId: string }

/**
 * The envelope of an event, the same bytes on every attempt, because it is computed from the
 * stored row alone. An event of this program goes out as its stored bytes, unread; a deployment
 * that Agenta reported as its payload, which has this form too. Any other event is wrapped.
 * Null when there is nothing to send.
 */
export function envelopeOf(event: EnvelopeEvent, payloadOf: PayloadOf): Envelope | null {
  const { source, type, deliveryId, subject, actor, facts, body } = event
  if (OWN_SOURCES.has(source)) return body && { body, deliveryId }
  const payload = payloadOf(event)
  if (type === 'environment.deployed' && isSignalboxEvent(payload) && payload.event === type) {
    const id = payload.delivery_id.length <= MAX_ID_CHARS ? payload.delivery_id : deliveryId
    return { body: toBytes(Object.assign({}, payload, { delivery_id: id })), deliveryId: id }
  }
  const envelope = {
    event: type,
    timestamp: event.receivedAt.toISOString(),
    delivery_id: deliveryId,
    project_id: facts.project ?? null,
    data: { source, subject, actor, facts, payload: payload ?? null },
  }
  return { body: toBytes(envelope), deliveryId }
}

function toBytes(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
