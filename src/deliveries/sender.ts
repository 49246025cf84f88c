// The sender: takes due deliveries, sends each, and stores what came of it together with what
// follows from it.
import type { Dispatcher } from 'undici'
import type { Database, Sql } from '../db/database.ts'
import type { DeliveryResult } from '../endpoints/results.ts'
import type { Seal } from '../endpoints/seal.ts'
import type { Forges } from '../forges/forges.ts'
import { forgesFrom } from '../forges/forges.ts'
import type { Activity, Log } from '../lib/log.ts'
import { noActivity } from '../lib/log.ts'
import type { Meter } from '../metrics/meter.ts'
import type { Handled, Settled } from '../queue/table.ts'
import type { Worker } from '../queue/worker.ts'
import { openWorker } from '../queue/worker.ts'
import { sayEnded } from './activity.ts'
import type { PreparingParts } from './attempt.ts'
import { attempt } from './attempt.ts'
import type { AttemptDetail, DeliveryRow } from './delivery.ts'
import { DELIVERIES } from './delivery.ts'
import type { DispatcherOptions } from './dispatcher.ts'
import { openDispatcher } from './dispatcher.ts'
import { openLoader } from './load.ts'
import type { Mailer } from './mailer.ts'

/** What a sender needs from the rest of the program. */
export type SenderOptions = PreparingParts & {
  database: Database
  log: Log
  /** Counts attempts. */
  meter?: Meter | undefined
  /** Says how attempts ended. */
  activity?: Activity | undefined
  /** Names it as the owner of what it claims. Default: a new id. */
  owner?: string | undefined
  /** How many deliveries are under way at once. */
  slots: number
  /** Opens what endpoints have sealed. */
  seal: Seal
  /**
   * Notes what attempts came to with their endpoints, in the transaction that ends them.
   * Returns whether more deliveries or jobs follow from it.
   */
  noteResults(tx: Sql, results: readonly DeliveryResult[]): Promise<boolean>
  /** How long a delivery belongs to this process without a sign of life. Default 30 s. */
  leaseMs?: number | undefined
  /** Connections for the renewals of leases alone. Default: those of `database`. */
  leases?: Database | undefined
  /** The longest it goes without looking for due deliveries. Default 30 s. */
  tickMs?: number | undefined
  /** What one attempt may take in all. Default 15 s. */
  deadlineMs?: number | undefined
  /** How many bytes of bodies are in memory at once. Default 32 MB. */
  maxBytes?: number | undefined
  /** How it connects. Default: directly, and to public addresses only. */
  connections?: DispatcherOptions | undefined
  /** Sends mails; null where no SMTP server is configured. Default: null. */
  mailer?: Mailer | null | undefined
  /** Whose repositories can be notified. Default: none. */
  forges?: Forges | undefined
  /** Connections to use in place of its own; they stay open after `drain`. */
  dispatcher?: Dispatcher | undefined
  /** Notifies all workers, through the database, of groups that are free. */
  notify?: ((whom: 'same' | 'any') => void) | undefined
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
  const { database, leases, clock, log, owner, slots, noteResults, notify, leaseMs, activity = noActivity } = options
  const { meter } = options
  const dispatcher = options.dispatcher ?? openDispatcher(options.connections)
  const load = openLoader(database, options)
  const { mailer = null, forges = forgesFrom({}) } = options
  const parts = { ...options, dispatcher, mailer, forges }
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
    onBegun: (waitedMs) => meter?.claimed('deliveries', waitedMs),
    handle: (claimed, signal, lease) =>
      load(claimed.id, (loaded) => attempt(parts, { claimed, loaded, signal, lease })),
    mustSee: isNews,
    onSettled: async (tx, settled) => {
      const results = settled.filter(isNews).flatMap(resultsOf)
      return results.length > 0 && noteResults(tx, results)
    },
    afterSettled: (settled) => {
      for (const each of settled) {
        meter?.deliveryAttempted(each.outcome, each.detail?.durationMs ?? null)
        sayEnded({ activity, log }, each)
      }
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

/** Whether an attempt says more of its endpoint than that it is as well as it was. */
function isNews({ detail }: Pick<Handled<AttemptDetail>, 'detail'>): boolean {
  return detail !== null && !(detail.about.wasWell && detail.said.kind === 'success')
}

/** What an attempt came to, for the endpoint; nothing where nothing was sent, or a test failed. */
function resultsOf({ row, status, error, detail }: Settled<DeliveryRow, AttemptDetail>): DeliveryResult[] {
  if (detail === null || (detail.about.isTest && detail.said.kind !== 'success')) return []
  const { type: eventType, url, eventId, depth } = detail.about
  const isGivenUp = status === 'failed' && detail.said.goodbye === undefined
  const exhausted = isGivenUp ? { deliveryId: row.id, eventId, eventType, attempts: row.attempt, depth } : undefined
  return [{ ...detail.said, endpointId: row.endpoint_id, url, error, exhausted }]
}
