// What a delivery is to the queue: a claimable row whose attempts keep what the receiver answered.
import type { QueueTable } from '../queue/table.ts'
import type { SendResult } from './send.ts'

/** The columns of a claimed delivery that sending it needs. */
export type DeliveryRow = { endpoint_id: string }

/** What one attempt came to; `isGone` says that the receiver wants nothing more. */
export type AttemptDetail = SendResult & {
  isGone: boolean
  /** What was sent to whom, for the log. */
  about?: { type: string; host: string }
}

/** Deliveries as the queue knows them; the detail of an attempt is null when nothing was sent. */
export const DELIVERIES: QueueTable<AttemptDetail> = {
  rows: 'signalbox.deliveries',
  attempts: 'signalbox.delivery_attempts',
  attemptsKey: 'delivery_id',
  succeeded: 'succeeded',
  cancelled: 'skipped',
  detail: [
    { name: 'status_code', type: 'smallint', of: (sent) => sent.statusCode },
    { name: 'response', type: 'text', of: (sent) => sent.response },
    { name: 'duration_ms', type: 'integer', of: (sent) => sent.durationMs },
  ],
}
