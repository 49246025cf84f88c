// The sender: takes due deliveries, sends each, and stores what came of it together with what
// follows from it.
import type { Dispatcher } from 'undici'
import type { Database, Sql } from '../db/database.ts'
import type { Seal } from '../endpoints/seal.ts'
import type { Clock } from '../lib/clock.ts'
import type { Activity, Log } from '../lib/log.ts'
import { noActivity } from '../lib/log.ts'
import { VERSION } from '../lib/version.ts'
import type { Claimed, Handled } from '../queue/table.ts'
import type { Worker } from '../queue/worker.ts'
import { openWorker } from '../queue/worker.ts'
import { sayEnded } from './activity.ts'
import type { AttemptDetail, DeliveryRow } from './delivery.ts'
import { DELIVERIES } from './delivery.ts'
import type { PayloadOf } from './envelope.ts'
import { envelopeOf } from './envelope.ts'
import type { Loaded } from './load.ts'
import { openLoader } from './load.ts'
import { judge } from './retry.ts'
import { openDispatcher, send } from './send.ts'
import { signedHeaders } from './sign.ts'

// A missing key comes back with a restart of this process, which makes nothing due.
const UNREADABLE_MS = 600_000

/** What a sender needs from the rest of the program. */
export type SenderOptions = {
  database: Database
  clock: Clock
  log: Log
  /** Says how attempts ended. */
  activity?: Activity | undefined
  /** Names it as the owner of what it claims. Default: a new id. */
  owner?: string | undefined
  /** How many deliveries are under way at once. */
  slots: number
  /** Opens what endpoints have sealed. */
  seal: Seal
  /** What an event says. */
  payloadOf: PayloadOf
  /** Disables endpoints that answered 410 Gone, in the transaction that ends their deliveries. */
  disableGone(tx: Sql, ids: readonly string[]): Promise<void>
  /** How long a delivery belongs to this process without a sign of life. Default 30 s. */
  leaseMs?: number | undefined
  /** Connections for the renewals of leases alone. Default: those of `database`. */
  leases?: Database | undefined
  /** The longest it goes without looking for due deliveries. Default 30 s. */
  tickMs?: number | undefined
  /** What one attempt may take in all. Default 10 s. */
  deadlineMs?: number | undefined
  /** How many bytes of bodies are in memory at once. Default 32 MB. */
  maxBytes?: number | undefined
  /** Connections to use in place of its own; they stay open after `drain`. */
  dispatcher?: Dispatcher | undefined
  /** Notifies all workers, through the database, of groups that are free. */
  notify?: (() => void) | undefined
  /** Source of the jitter, in [0, 1). */
  random?: (() => number) | undefined
}

/** An open sender. It does nothing until `start`, or `tick` by `tick` in a test. */
export type Sender = Pick<Worker, 'running' | 'start' | 'nudge' | 'renew' | 'tick' | 'drain'>

/**
 * Opens a sender over the deliveries of this database; any number of them, in any process, send
 * each delivery's attempt once.
 */
export function openSender(options: SenderOptions): Sender {
  const { database, leases, clock, log, owner, slots, disableGone, notify, leaseMs, activity = noActivity } = options
  const dispatcher = options.dispatcher ?? openDispatcher()
  const load = openLoader(database, options)
  const worker = openWorker<DeliveryRow, AttemptDetail>({
    database,
    leases,
    clock,
    log,
    owner,
    slots,
    table: DELIVERIES,
    leaseMs,
    tickMs: options.tickMs ?? 30_000,
    notify,
    handle: (claimed, signal) =>
      load(claimed.id, (loaded) => deliver({ ...options, dispatcher }, { claimed, loaded, signal })),
    async onSettled(tx, settled) {
      for (const each of settled) sayEnded({ activity, log }, each)
      const gone = settled.filter(({ detail }) => detail?.isGone).map(({ row }) => row.endpoint_id)
      if (gone.length > 0) await disableGone(tx, gone)
      return false
    },
  })
  return {
    running: () => worker.running(),
    start: () => worker.start(),
    nudge: () => worker.nudge(),
    renew: () => worker.renew(),
    tick: () => worker.tick(),
    drain: async (limit) => {
      await worker.drain(limit)
      if (options.dispatcher === undefined) await dispatcher.destroy()
    },
  }
}

/** Makes one attempt. */
async function deliver(
  options: SenderOptions & { dispatcher: Dispatcher },
  { claimed, loaded, signal }: { claimed: Claimed<DeliveryRow>; loaded: Loaded | null; signal: AbortSignal },
): Promise<Handled<AttemptDetail>> {
  const { clock, dispatcher, deadlineMs, payloadOf, random } = options
  if (loaded === null) return skipped('The endpoint was deleted.')
  const { url, status, secrets, unreadable, eventId, event } = loaded
  if (status !== 'active') return released(`The endpoint is ${status}.`)
  if (unreadable !== null) return putOff(unreadable, UNREADABLE_MS)
  const envelope = envelopeOf(event, payloadOf)
  if (envelope === null) return skipped('The event has no body.')
  const [first, ...others] = secrets
  if (first === undefined) return skipped('The endpoint has no secret.')
  const { body, deliveryId } = envelope
  const headers = signedHeaders({
    eventId,
    eventType: event.type,
    deliveryId,
    body,
    secrets: [first, ...others],
    at: clock.now(),
    version: VERSION,
  })
  const sent = await send({ dispatcher, url, headers, body, deadlineMs, signal })
  const { outcome, isGone } = judge(sent, { failures: claimed.failures, now: clock.now(), random })
  return { outcome, detail: { ...sent, isGone, about: { type: event.type, host: new URL(url).host } } }
}

/** For an endpoint that was paused between the claim and now: due again once it is active. */
function released(error: string): Handled<AttemptDetail> {
  return { outcome: { kind: 'released', error }, detail: null }
}

function putOff(error: string, delayMs: number): Handled<AttemptDetail> {
  return { outcome: { kind: 'deferred', error, delayMs }, detail: null }
}

function skipped(error: string): Handled<AttemptDetail> {
  return { outcome: { kind: 'cancelled', error }, detail: null }
}
