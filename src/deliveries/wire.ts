// Deliveries on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { time } from '../lib/wire.ts'

/** Where a delivery is. */
export const deliveryStatus = z.enum(['pending', 'running', 'succeeded', 'failed', 'skipped'])

/** A delivery: one event for one endpoint. */
export const delivery = z
  .object({
    id: z.uuid(),
    event_id: z.uuid(),
    event_type: z.string(),
    endpoint_id: z.uuid(),
    endpoint_name: z.string(),
    status: deliveryStatus,
    attempt: z.int().meta({ description: 'How often it was started.' }),
    failures: z.int().meta({ description: 'How many attempts failed; it fails at `max_attempts`.' }),
    max_attempts: z.int(),
    error: z.string().nullable().meta({
      description:
        'Why the last attempt did not succeed, or why there is none: `timeout`, `http_500` and other codes, some with a reason after a colon.',
    }),
    next_attempt_at: time.nullable().meta({ description: 'Null unless it is pending and its endpoint is active.' }),
    superseded_by: z.uuid().nullable().meta({
      description: 'The newer delivery that was sent in its place, to an endpoint that wants the latest only.',
    }),
    created_at: time,
    finished_at: time.nullable(),
  })
  .meta({ id: 'Delivery' })
export type Delivery = z.infer<typeof delivery>

const headers = z.record(z.string(), z.string())

/** One attempt of a delivery. */
export const deliveryAttempt = z
  .object({
    attempt: z.int(),
    outcome: z
      .enum(['completed', 'failed', 'retried', 'lost', 'cancelled'])
      .nullable()
      .meta({ description: 'Null while it runs; `lost` when its process ended.' }),
    peer: z.string().nullable().meta({ description: 'The address it was sent to, and the port.' }),
    request_headers: headers.nullable().meta({ description: 'What was sent, without the values that are secret.' }),
    status_code: z.int().nullable(),
    error: z.string().nullable(),
    response_headers: headers.nullable(),
    response: z.string().nullable().meta({ description: 'The beginning of what the receiver answered.' }),
    duration_ms: z.int().nullable(),
    timings: z
      .object({
        dns: z.number().nullable(),
        connect: z.number().nullable(),
        tls: z.number().nullable(),
        first_byte: z.number().nullable(),
        total: z.number(),
      })
      .nullable()
      .meta({ description: 'In milliseconds; null is what a connection that was open already did without.' }),
    started_at: time,
    finished_at: time.nullable(),
  })
  .meta({ id: 'DeliveryAttempt' })

/** One delivery with its attempts, the first one first. */
export const deliveryDetail = delivery
  .extend({
    supersedes: z.array(z.uuid()).meta({ description: 'The older deliveries it was sent in the place of.' }),
    attempts: z.array(deliveryAttempt),
  })
  .meta({ id: 'DeliveryDetail' })
export type DeliveryDetail = z.infer<typeof deliveryDetail>
