// Reading deliveries: lists, and one with all its attempts.
import type { z } from 'zod'
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf, readCursor, readId } from '../lib/page.ts'
import { pauseOf } from '../pauses/held.ts'
import type { Delivery, DeliveryDetail, deliveryStatus } from './wire.ts'

/** Which deliveries to list; all of them if nothing is given. */
export type DeliveryFilter = {
  endpoint_id?: string | undefined
  event_id?: string | undefined
  status?: z.infer<typeof deliveryStatus> | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/**
 * Lists deliveries, those of the newest event first.
 * @throws AppError `input_invalid` when an id or the cursor is not one.
 */
export async function listDeliveries(sql: Sql, filter: DeliveryFilter = {}): Promise<Page<Delivery>> {
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<Delivery>(
    `select ${COLUMNS} from ${TABLES}
     where ($1::uuid is null or d.endpoint_id = $1) and ($2::uuid is null or d.event_id = $2)
       and ($3::text is null or d.status = $3)
       and ($4::uuid is null
         or (d.event_id, d.endpoint_id) < (select event_id, endpoint_id from signalbox.deliveries where id = $4))
     order by d.event_id desc, d.endpoint_id desc limit $5`,
    [
      readId('endpoint_id', filter.endpoint_id),
      readId('event_id', filter.event_id),
      filter.status ?? null,
      readCursor(filter.cursor),
      limit + 1,
    ],
  )
  return pageOf(rows, limit)
}

/**
 * One delivery with its attempts, the first one first.
 * @throws AppError `not_found` when there is no such delivery.
 */
export async function getDelivery(sql: Sql, id: string): Promise<DeliveryDetail> {
  const { rows } = isUuid(id)
    ? await sql.query<Delivery>(`select ${COLUMNS} from ${TABLES} where d.id = $1`, [id])
    : { rows: [] }
  const [delivery] = rows
  if (delivery === undefined) throw noDelivery(id)
  const attempts = await sql.query<DeliveryDetail['attempts'][number]>(ATTEMPTS, [id])
  // Of one event each, so the order of events is theirs.
  const older = await sql.query<{ id: string }>(
    `select id from signalbox.deliveries where endpoint_id = $1 and superseded_by = $2 order by event_id limit 1000`,
    [delivery.endpoint_id, id],
  )
  return { ...delivery, supersedes: older.rows.map((row) => row.id), attempts: attempts.rows }
}

/** The refusal of an id that no delivery has. */
export function noDelivery(id: string): AppError {
  return new AppError('not_found', `There is no delivery ${JSON.stringify(id)}.`)
}

/** A pending delivery waits while its endpoint is not active, and while it is held. */
const WHY_HELD = `coalesce(${pauseOf('d')}, case when p.status <> 'active' then 'The endpoint is ' || p.status || '.' end)`

const COLUMNS = `d.id, d.event_id, e.type as event_type, d.endpoint_id, p.name as endpoint_name, d.status,
  d.attempt, d.failures, d.max_attempts, d.superseded_by,
  case when d.status = 'pending' then coalesce(${WHY_HELD}, d.error) else d.error end as error,
  case when d.status = 'pending' and ${WHY_HELD} is null then ${isoTime('d.available_at')} end as next_attempt_at,
  ${isoTime('d.created_at')} as created_at, ${isoTime('d.finished_at')} as finished_at`

const TABLES = `signalbox.deliveries d join signalbox.events e on e.id = d.event_id
  join signalbox.endpoints p on p.id = d.endpoint_id`

// An attempt gets its row when it ends; the one that runs is read from the delivery.
const ATTEMPTS = `select attempt, outcome, peer, request_headers, status_code, error, response_headers, response,
    duration_ms, timings,
    ${isoTime('started_at')} as started_at, ${isoTime('finished_at')} as finished_at
  from signalbox.delivery_attempts where delivery_id = $1
  union all
  select attempt, null, null, null, null, null, null, null, null, null, ${isoTime('attempt_started_at')}, null
  from signalbox.deliveries where id = $1 and status = 'running'
  order by attempt`
