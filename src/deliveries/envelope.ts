// What is sent for an event: one form of body, whatever the source, or the bytes its sender sent
// (pure).
import type { Json } from '@signalbox/sdk'
import { isSignalboxEvent } from '@signalbox/sdk'
import type { Event } from '../events/event.ts'

/** The sources whose bodies are envelopes already: what this program says itself, and its tests. */
const OWN_SOURCES: ReadonlySet<string> = new Set(['deployments', 'signalbox', 'test'])

/** Whether this program itself says what the events of a source say. */
export function isOwn({ source }: Pick<Event, 'source'>): boolean {
  return OWN_SOURCES.has(source)
}

// It is sent in a header too, and a sender may write anything there. The event's own id is shorter.
const MAX_ID_CHARS = 200

/** The parts of an event that its envelope is made from. */
export type EnvelopeEvent = Pick<
  Event,
  | 'source'
  | 'type'
  | 'deliveryId'
  | 'subject'
  | 'actor'
  | 'facts'
  | 'body'
  | 'payload'
  | 'contentType'
  | 'headers'
  | 'receivedAt'
>

/** Reads what an event says; undefined when it says nothing. */
export type PayloadOf = (event: Pick<Event, 'body' | 'payload'>) => Json | undefined

/**
 * The bytes to send, and the delivery id in them. They are JSON and have no headers of their own,
 * unless they are as their sender sent them.
 */
export type Envelope = {
  body: Uint8Array
  deliveryId: string
  contentType?: string
  headers?: Readonly<Record<string, string>>
}

/**
 * The envelope of an event, the same bytes on every attempt, because it is computed from the
 * stored row alone. An event of this program goes out as its stored bytes, unread; a deployment
 * that Agenta reported as its payload, which has this form too. Any other event is wrapped. Null
 * when there is nothing to send.
 */
export function envelopeOf(event: EnvelopeEvent, payloadOf: PayloadOf): Envelope | null {
  const { source, type, deliveryId, subject, actor, facts, body } = event
  if (isOwn(event)) return body && { body, deliveryId }
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

/**
 * The bytes that a sender sent, with their own content type and what is kept of their headers; an
 * event of this program goes out as its envelope. Null when there is nothing to send.
 */
export function relayOf(event: EnvelopeEvent, payloadOf: PayloadOf): Envelope | null {
  if (isOwn(event)) return envelopeOf(event, payloadOf)
  const { body, deliveryId, headers } = event
  if (body === null || body.length === 0) return null
  const kept = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return {
    body,
    deliveryId,
    contentType: event.contentType ?? 'application/octet-stream',
    headers: Object.fromEntries(kept.filter(([name]) => mayBeRelayed(name))),
  }
}

// A signature of the sender's would not verify under the endpoint's secret, and what belongs to it
// would be taken for Signalbox's own.
const SIGNATURE = /signature|^(?:webhook|svix)-/
// Rights of the sender's, and what is about its connection (RFC 9110 §7.6.1).
const NOT_RELAYED: ReadonlySet<string> = new Set([
  ...['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'content-type'],
  ...['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'proxy-connection'],
  ...['te', 'trailer', 'upgrade', 'expect'],
  // No header, but the address that an event came from, which is kept with them.
  'remote',
])

function mayBeRelayed(name: string): boolean {
  return !NOT_RELAYED.has(name) && !SIGNATURE.test(name)
}

function toBytes(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
