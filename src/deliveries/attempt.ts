// One attempt of one delivery: what is sent, what came of it, and what that means.
import type { Dispatcher } from 'undici'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { VERSION } from '../lib/version.ts'
import type { Claimed, Handled } from '../queue/table.ts'
import type { AttemptDetail, DeliveryRow } from './delivery.ts'
import type { PayloadOf } from './envelope.ts'
import { envelopeOf } from './envelope.ts'
import type { Loaded } from './load.ts'
import { judge } from './retry.ts'
import { send } from './send.ts'
import { signedHeaders } from './sign.ts'
import { supersede } from './supersede.ts'

// A missing key comes back with a restart of this process, which makes nothing due.
const UNREADABLE_MS = 600_000
/** How many superseded events a request names. */
const MAX_SUPERSEDED = 50

/** What making attempts needs. */
export type AttemptParts = {
  database: Database
  clock: Clock
  dispatcher: Dispatcher
  /** What an event says. */
  payloadOf: PayloadOf
  /** What one attempt may take in all, in milliseconds. */
  deadlineMs?: number | undefined
  /** Source of the jitter, in [0, 1). */
  random?: (() => number) | undefined
}

/** A delivery that was claimed, and what was read for it. */
export type Attempting = { claimed: Claimed<DeliveryRow>; loaded: Loaded | null; signal: AbortSignal }

/** Makes one attempt. */
export async function attempt(parts: AttemptParts, attempting: Attempting): Promise<Handled<AttemptDetail>> {
  const { claimed, loaded } = attempting
  if (loaded === null) return skipped('The endpoint was deleted.')
  const { endpoint, unreadable } = loaded
  const { status, heals, ordering } = endpoint
  // It was claimed just before; it is due again once the endpoint is active.
  if (status !== 'active' && !heals) return released(`The endpoint is ${status}.`)
  if (unreadable !== null) return putOff(unreadable)
  if (ordering !== 'latest-only' || claimed.group_key === null) return transmit(parts, attempting, loaded)
  const { database, clock } = parts
  const { id, endpoint_id: endpointId, group_key: groupKey } = claimed
  const { by, events } = await supersede(database, clock, { id, endpointId, groupKey })
  return by === null ? transmit(parts, attempting, loaded, events) : skipped(`Superseded by ${by}.`)
}

async function transmit(
  { clock, dispatcher, deadlineMs, payloadOf, random }: AttemptParts,
  { claimed, signal }: Attempting,
  { endpoint, eventId, depth, event }: Loaded,
  superseded: readonly string[] = [],
): Promise<Handled<AttemptDetail>> {
  const envelope = envelopeOf(event, payloadOf)
  if (envelope === null) return skipped('The event has no body.')
  const [first, ...others] = endpoint.secrets
  if (first === undefined) return skipped('The endpoint has no secret.')
  const { body, deliveryId } = envelope
  const { url } = endpoint
  const headers = {
    ...endpoint.headers,
    ...signedHeaders({
      eventId,
      eventType: event.type,
      deliveryId,
      body,
      secrets: [first, ...others],
      at: clock.now(),
      version: VERSION,
    }),
    ...(superseded.length > 0 && { 'x-signalbox-superseded': superseded.slice(-MAX_SUPERSEDED).join(',') }),
  }
  const sent = await send({ dispatcher, url, headers, body, deadlineMs, signal })
  const { failures, deferrals } = claimed
  const { outcome, ...said } = judge(sent, {
    failures,
    deferrals,
    schedule: endpoint.schedule,
    now: clock.now(),
    random,
  })
  const isTest = event.source === 'test'
  const about = { type: event.type, host: new URL(url).host, eventId, depth, isTest }
  return { outcome, detail: { ...sent, said, about } }
}

function released(error: string): Handled<AttemptDetail> {
  return { outcome: { kind: 'released', error }, detail: null }
}

function putOff(error: string): Handled<AttemptDetail> {
  return { outcome: { kind: 'deferred', error, delayMs: UNREADABLE_MS }, detail: null }
}

function skipped(error: string): Handled<AttemptDetail> {
  return { outcome: { kind: 'cancelled', error }, detail: null }
}
