// What a delivery is to the queue: a claimable row whose attempts keep what the receiver answered.
import { storableJson } from '../db/text.ts'
import type { QueueTable } from '../queue/table.ts'
import type { Verdict } from './retry.ts'
import type { SendResult } from './send.ts'

/** The columns of a claimed delivery that sending it needs. */
export type DeliveryRow = { endpoint_id: string; deferrals: number }

/** What one attempt came to. */
export type AttemptDetail = SendResult & {
  /** What was sent, without what is secret; null where it was no HTTP request. */
  requestHeaders: Record<string, string> | null
  /** What it says of the endpoint. */
  said: Omit<Verdict, 'outcome'>
  /** What was sent to whom. */
  about: {
    type: string
    host: string
    url: string
    /** Whether the endpoint was known to be well before. */
    wasWell: boolean
    eventId: string
    depth: number
    isTest: boolean
  }
}

/**
 * How many deliveries are under way to one endpoint at once, where that has no number of its
 * own.
 */
const ENDPOINT_SLOTS = 32

/** Deliveries as the queue knows them; the detail of an attempt is null when nothing was sent. */
export const DELIVERIES: QueueTable<AttemptDetail> = {
  rows: 'signalbox.deliveries',
  attempts: 'signalbox.delivery_attempts',
  attemptsKey: 'delivery_id',
  succeeded: 'succeeded',
  cancelled: 'skipped',
  partitions: {
    column: 'endpoint_id',
    limits: `(
      select id, least(coalesce(concurrency, ${ENDPOINT_SLOTS}), health.slots) as slots, opens_at, rate_per_second as rate
      from signalbox.endpoints join signalbox.endpoint_health as health on endpoint_id = id
      where status = 'active' or heals)`,
    paced: { table: 'signalbox.endpoint_health', key: 'endpoint_id' },
  },
  detail: [
    { name: 'request_headers', type: 'json', of: (sent) => sent.requestHeaders && storableJson(sent.requestHeaders) },
    { name: 'peer', type: 'text', of: (sent) => sent.peer },
    { name: 'status_code', type: 'smallint', of: (sent) => sent.statusCode },
    {
      name: 'response_headers',
      type: 'json',
      of: (sent) => sent.responseHeaders && storableJson(sent.responseHeaders),
    },
    { name: 'response', type: 'text', of: (sent) => sent.response },
    { name: 'timings', type: 'json', of: (sent) => sent.timings && JSON.stringify(sent.timings) },
    { name: 'duration_ms', type: 'integer', of: (sent) => sent.durationMs },
  ],
}
