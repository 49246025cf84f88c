// One attempt of one delivery: what is sent, what came of it, and what that means.
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import { spanWithin, traceOfEvent, traceparentOf } from '../lib/trace-context.ts'
import { VERSION } from '../lib/version.ts'
import type { Lease } from '../queue/row-lease.ts'
import type { Claimed, Handled } from '../queue/table.ts'
import type { Tracer } from '../spans/tracer.ts'
import { spanNow } from '../spans/tracer.ts'
import type { AttemptDetail, DeliveryRow } from './delivery.ts'
import type { PayloadOf } from './envelope.ts'
import type { Prepared, ToPrepare } from './kinds/kind.ts'
import { prepareDelivery } from './kinds/kinds.ts'
import type { Loaded, LoadedEndpoint } from './load.ts'
import { judge } from './retry.ts'
import type { Transport } from './send-prepared.ts'
import { sendPrepared } from './send-prepared.ts'
import type { Ed25519Signer } from './sign-ed25519.ts'
import { supersede } from './supersede.ts'

/**
 * An attempt takes 15 s at most. With less of its lease left, it may be the delivery of another
 * worker before it is sent: this process was frozen, or waited for memory.
 */
const SURE_MS = 16_000
// A missing key comes back with a restart of this process, which makes nothing due.
const UNREADABLE_MS = 600_000

/** What preparing an attempt needs. */
export type PreparingParts = {
  clock: Clock
  /** What an event says. */
  payloadOf: PayloadOf
  /** The address of this server from outside, for links. */
  publicUrl?: string | undefined
  /** Signs for endpoints that want that; absent where the installation has no key. */
  ed25519?: Ed25519Signer | undefined
}

/** What making attempts needs. */
export type AttemptParts = PreparingParts &
  Omit<Transport, 'signal'> & {
    database: Database
    /** Is given each attempt, as a span. */
    tracer?: Tracer | undefined
    /** Source of the jitter, in [0, 1). */
    random?: (() => number) | undefined
  }

/** A delivery that was claimed, and what was read for it. */
export type Attempting = { claimed: Claimed<DeliveryRow>; loaded: Loaded | null; signal: AbortSignal; lease: Lease }

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
  parts: AttemptParts,
  { claimed, signal, lease }: Attempting,
  loaded: Loaded,
  superseded?: readonly string[],
): Promise<Handled<AttemptDetail>> {
  const { endpoint, eventId, depth, event } = loaded
  const { own, parent } = deliverySpan(claimed, loaded)
  const prepared = prepare(parts, loaded, { id: claimed.id, superseded, traceparent: traceparentOf(own) })
  if (prepared.by === 'nothing') return skipped(prepared.reason)
  const { clock, random, dispatcher, mailer, forges, deadlineMs } = parts
  if (lease.leftMs() < SURE_MS) {
    try {
      await lease.confirm()
    } catch (error) {
      return released(errorText(error))
    }
  }
  const startedAt = spanNow()
  const sent = await sendPrepared(endpoint.kind, prepared, { dispatcher, mailer, forges, deadlineMs, signal, lease })
  const { failures, deferrals } = claimed
  const { schedule } = endpoint
  const { outcome, ...said } = judge(sent, { failures, deferrals, schedule, now: clock.now(), random })
  const about = {
    type: event.type,
    host: hostOf(endpoint.url),
    url: endpoint.url,
    wasWell: loaded.isWell,
    eventId,
    depth,
    isTest: event.source === 'test',
  }
  parts.tracer?.span({
    name: 'delivery',
    kind: 'client',
    own,
    parent,
    startedAt,
    endedAt: spanNow(),
    attributes: {
      'signalbox.delivery.id': claimed.id,
      'signalbox.delivery.attempt': claimed.attempt,
      'signalbox.endpoint.id': claimed.endpoint_id,
      'signalbox.event.type': event.type,
      'signalbox.outcome': outcome.kind,
      'server.address': about.host.replace(/:\d+$/, ''),
      'http.response.status_code': sent.statusCode ?? undefined,
    },
    error: outcome.kind === 'completed' ? null : (sent.error ?? `http_${sent.statusCode}`),
  })
  return { outcome, detail: { ...sent, requestHeaders: shownHeaders(prepared, endpoint), said, about } }
}

/** The span of an attempt, in the trace of its event. */
function deliverySpan({ id, attempt }: Attempting['claimed'], { eventId, event }: Loaded) {
  const { own: parent } = traceOfEvent({ id: eventId, headers: event.headers })
  return { own: spanWithin(parent, 'delivery', id, String(attempt)), parent }
}

/** What is sent for a delivery at this moment, or why nothing is (pure). */
export function prepare(
  { payloadOf, publicUrl, ed25519 }: PreparingParts,
  { endpoint, at, eventId, event }: Loaded,
  { id, superseded, traceparent }: Pick<ToPrepare, 'id' | 'superseded' | 'traceparent'>,
): Prepared {
  const trace = { traceparent, tracestate: event.headers.tracestate }
  return prepareDelivery(
    { endpoint, id, eventId, event, at, version: VERSION, superseded, ...trace, publicUrl, ed25519 },
    payloadOf,
  )
}

/** The headers as everybody may see them: the values of the endpoint's own are secret. */
export function shownHeaders(prepared: Prepared, { headers: own }: LoadedEndpoint): Record<string, string> | null {
  if (prepared.by !== 'http') return null
  const shown = Object.entries(prepared.headers).map(([name, value]) => [
    name,
    own[name] === value ? '(secret)' : value,
  ])
  return Object.fromEntries(shown)
}

/** `hooks.example.com`; of what is no web address, all of it: `mailto:ops@example.com`. */
function hostOf(url: string): string {
  return new URL(url).host || url
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
