// Reading deliveries: lists, and one with all its attempts.
import type { Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf } from '../lib/page.ts'

type DeliveryStatus = 'pending' | 'running' | 'succeeded' | 'failed' | 'skipped'

/** A delivery: one event for one endpoint. */
export type Delivery = {
  id: string
  eventId: string
  eventType: string
  endpointId: string
  endpointName: string
  status: DeliveryStatus
  /** How often it was tried, and how often it may be. */
  attempts: number
  maxAttempts: number
  /**
   * Why the last attempt was no success, or why there is none; a stable code such as `timeout` or
   * `http_500`.
   */
  error: string | null
  /** When it is tried next; null unless it is pending. */
  nextAttemptAt: Date | null
  createdAt: Date
  finishedAt: Date | null
}

/** One attempt of a delivery. */
export type DeliveryAttempt = {
  attempt: number
  /** Null while it runs; `lost` when its process ended. */
  outcome: 'completed' | 'failed' | 'retried' | 'lost' | 'cancelled' | null
  statusCode: number | null
  error: string | null
  /** The beginning of what the receiver answered. */
  response: string | null
  durationMs: number | null
  startedAt: Date
  finishedAt: Date | null
}

/** Which deliveries to list; all of them if nothing is given. */
export type DeliveryFilter = {
  endpointId?: string | undefined
  eventId?: string | undefined
  status?: DeliveryStatus | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/**
 * Lists deliveries, those of the newest event first.
 * @throws `input_invalid` for an id or a cursor that is none.
 */
export async function listDeliveries(sql: Sql, filter: DeliveryFilter = {}): Promise<Page<Delivery>> {
  const { endpointId, eventId, cursor } = filter
  for (const [field, value] of Object.entries({ endpointId, eventId, cursor })) {
    if (value !== undefined && !isUuid(value)) throw new AppError('input_invalid', `${field}: is not one of ours`)
  }
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<Delivery>(
    `select ${COLUMNS} from ${TABLES}
     where ($1::uuid is null or d.endpoint_id = $1) and ($2::uuid is null or d.event_id = $2)
       and ($3::text is null or d.status = $3)
       and ($4::uuid is null
         or (d.event_id, d.endpoint_id) < (select event_id, endpoint_id from signalbox.deliveries where id = $4))
     order by d.event_id desc, d.endpoint_id desc limit $5`,
    [endpointId ?? null, eventId ?? null, filter.status ?? null, cursor ?? null, limit + 1],
  )
  return pageOf(rows, limit)
}

/**
 * One delivery with its attempts, the first one first.
 * @throws `not_found`.
 */
export async function getDelivery(sql: Sql, id: string): Promise<Delivery & { attemptLog: DeliveryAttempt[] }> {
  const { rows } = isUuid(id)
    ? await sql.query<Delivery>(`select ${COLUMNS} from ${TABLES} where d.id = $1`, [id])
    : { rows: [] }
  const [delivery] = rows
  if (delivery === undefined) throw new AppError('not_found', `There is no delivery ${JSON.stringify(id)}.`)
  const attempts = await sql.query<DeliveryAttempt>(
    `select attempt, outcome, status_code as "statusCode", error, response, duration_ms as "durationMs",
       started_at as "startedAt", finished_at as "finishedAt"
     from signalbox.delivery_attempts where delivery_id = $1
     union all
     select attempt, null, null, null, null, null, attempt_started_at, null from signalbox.deliveries
     where id = $1 and status = 'running'
     order by attempt`,
    [id],
  )
  return { ...delivery, attemptLog: attempts.rows }
}

const COLUMNS = `d.id, d.event_id as "eventId", e.type as "eventType", d.endpoint_id as "endpointId",
  p.name as "endpointName", d.status, d.attempt as attempts, d.max_attempts as "maxAttempts", d.error,
  case when d.status = 'pending' then d.available_at end as "nextAttemptAt", d.created_at as "createdAt",
  d.finished_at as "finishedAt"`

const TABLES = `signalbox.deliveries d join signalbox.events e on e.id = d.event_id
  join signalbox.endpoints p on p.id = d.endpoint_id`
