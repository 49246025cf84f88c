// The sender: takes due deliveries, sends each, and stores what came of it together with what
// follows from it.
import type { Dispatcher } from 'undici'
import type { Database, Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { VERSION } from '../lib/version.ts'
import type { Claimed, Outcome, Settled } from '../queue/table.ts'
import { DELIVERIES } from '../queue/table.ts'
import type { Worker } from '../queue/worker.ts'
import { openWorker } from '../queue/worker.ts'
import type { Verdict } from './retry.ts'
import { judge } from './retry.ts'
import type { SendResult } from './send.ts'
import { openDispatcher, send, TOTAL_DEADLINE_MS } from './send.ts'
import { signedHeaders } from './sign.ts'

/** What a sender needs from the house. */
export type SenderOptions = {
  database: Database
  clock: Clock
  log: Log
  /** How many deliveries are under way at once. */
  slots: number
  /** Disables endpoints that answered 410 Gone, in the transaction that ends their deliveries. */
  disableEndpoints(tx: Sql, ids: readonly string[]): Promise<void>
  /** How long a delivery belongs to this process without a sign of life. Default 30 s. */
  leaseMs?: number | undefined
  /** The longest it goes without looking for due deliveries. Default 30 s. */
  tickMs?: number | undefined
  /** What one attempt may take in all. Default 10 s. */
  deadlineMs?: number | undefined
  /** Connections to use in place of its own; they stay open after `drain`. */
  dispatcher?: Dispatcher | undefined
  /** Tells other processes that there may be something for them. */
  wake?: (() => void) | undefined
  /** Source of the jitter, in [0, 1). */
  random?: (() => number) | undefined
}

/** An open sender. It does nothing until `start`, or `tick` by `tick` in a test. */
export type Sender = Pick<Worker, 'running' | 'start' | 'nudge' | 'tick' | 'drain'>

/**
 * Opens a sender over the deliveries of this database; any number of them, in any process, send
 * each delivery's attempt once.
 */
export function openSender(options: SenderOptions): Sender {
  const { database, clock, log, slots, wake } = options
  const dispatcher = options.dispatcher ?? openDispatcher()
  const results = openResults(slots)
  const worker = openWorker<{ endpoint_id: string }>({
    database,
    clock,
    log,
    slots,
    table: DELIVERIES,
    leaseMs: options.leaseMs ?? 3 * TOTAL_DEADLINE_MS,
    tickMs: options.tickMs ?? 30_000,
    ...(wake === undefined ? {} : { wake }),
    handle: async (claimed, signal) => {
      const result = await deliver({ ...options, dispatcher }, claimed, signal)
      results.add(claimed, result)
      return result.outcome
    },
    onSettled: (tx, settled) => store(tx, results.of(settled), options.disableEndpoints),
  })
  return {
    running: () => worker.running(),
    start: () => worker.start(),
    nudge: () => worker.nudge(),
    tick: () => worker.tick(),
    drain: async (limit) => {
      await worker.drain(limit)
      if (options.dispatcher === undefined) await dispatcher.destroy()
    },
  }
}

type Attempt = { id: string; attempt: number; endpoint_id: string }

/** What came of an attempt: how the queue is to end it, and what is stored besides. */
type Result = {
  outcome: Outcome
  sent: SendResult | null
  /** The endpoint answered that it is gone. */
  goneEndpoint: string | null
}

async function deliver(
  options: SenderOptions & { dispatcher: Dispatcher },
  claimed: Claimed<Attempt>,
  signal: AbortSignal,
): Promise<Result> {
  const { clock, dispatcher, deadlineMs } = options
  const loaded = await load(options.database, claimed.id)
  if (typeof loaded === 'string') {
    return { outcome: { kind: 'cancelled', error: loaded }, sent: null, goneEndpoint: null }
  }
  const headers = signedHeaders({ ...loaded, at: clock.now(), version: VERSION })
  const sent = await send({ dispatcher, url: loaded.url, headers, body: loaded.body, deadlineMs, signal })
  const verdict = judge(sent, { attempt: claimed.attempt, now: clock.now(), random: options.random })
  return {
    outcome: outcomeOf(verdict),
    sent,
    goneEndpoint: verdict.kind === 'gone' ? claimed.endpoint_id : null,
  }
}

function outcomeOf(verdict: Verdict): Outcome {
  if (verdict.kind === 'succeeded') return { kind: 'completed' }
  if (verdict.kind === 'gone') return { kind: 'failed', error: verdict.reason }
  return { kind: 'retried', error: verdict.reason, delayMs: verdict.delayMs }
}

type Loaded = {
  url: string
  secrets: [string, ...string[]]
  eventId: string
  eventType: string
  deliveryId: string
  contentType: string
  body: Buffer
}

/** What is to be sent, as it is at this attempt; or why nothing is. */
async function load(sql: Sql, id: string): Promise<Loaded | string> {
  const { rows } = await sql.query<{
    url: string
    status: string
    secrets: string[]
    event_id: string
    type: string
    delivery_id: string
    content_type: string | null
    body: Buffer | null
  }>(
    `select p.url, p.status, p.secrets, e.id as event_id, e.type, e.delivery_id, e.content_type, e.body
     from signalbox.deliveries d join signalbox.endpoints p on p.id = d.endpoint_id
     join signalbox.events e on e.id = d.event_id
     where d.id = $1`,
    [id],
  )
  const [row] = rows
  if (row === undefined) return 'The endpoint was deleted.'
  if (row.status !== 'active') return `The endpoint is ${row.status}.`
  if (row.body === null) return 'The event has no body.'
  const [first, ...others] = row.secrets
  if (first === undefined) return 'The endpoint has no secret.'
  return {
    url: row.url,
    secrets: [first, ...others],
    eventId: row.event_id,
    eventType: row.type,
    deliveryId: row.delivery_id,
    contentType: row.content_type ?? 'application/json',
    body: row.body,
  }
}

/**
 * Results wait here for their try to be settled. A try that someone else ended is never settled:
 * its result is pushed out in time.
 */
function openResults(slots: number) {
  const results = new Map<string, Attempt & Result>()
  const keyOf = ({ id, attempt }: { id: string; attempt: number }): string => `${id}:${attempt}`
  return {
    add({ id, attempt, endpoint_id }: Attempt, result: Result): void {
      results.set(keyOf({ id, attempt }), { id, attempt, endpoint_id, ...result })
      // Hardly more than `slots` of them are still to be settled.
      const [oldest] = results.keys()
      if (results.size > 4 * slots && oldest !== undefined) results.delete(oldest)
    },
    of: (settled: readonly Settled[]): (Attempt & Result)[] =>
      settled.flatMap((row) => {
        const result = results.get(keyOf(row))
        return result === undefined ? [] : [result]
      }),
  }
}

async function store(
  tx: Sql,
  results: readonly (Attempt & Result)[],
  disableEndpoints: SenderOptions['disableEndpoints'],
): Promise<void> {
  const sent = results.flatMap((result) => (result.sent === null ? [] : [{ ...result, sent: result.sent }]))
  const gone = results.flatMap((result) => result.goneEndpoint ?? [])
  if (sent.length > 0) await storeAttempts(tx, sent)
  if (gone.length > 0) await disableEndpoints(tx, gone)
}

async function storeAttempts(tx: Sql, sent: readonly (Attempt & { sent: SendResult })[]): Promise<void> {
  await tx.query(
    `update signalbox.delivery_attempts as try set status_code = sent.status_code, response = sent.response,
       duration_ms = sent.duration_ms, error = coalesce(try.error, sent.error)
     from unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::integer[], $6::text[])
       as sent (id, attempt, status_code, response, duration_ms, error)
     where try.delivery_id = sent.id and try.attempt = sent.attempt`,
    [
      sent.map((one) => one.id),
      sent.map((one) => one.attempt),
      sent.map((one) => one.sent.statusCode),
      sent.map((one) => one.sent.response),
      sent.map((one) => one.sent.durationMs),
      sent.map((one) => one.sent.error),
    ],
  )
}
