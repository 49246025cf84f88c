// Reading what is to be sent: endpoint and event of several deliveries by one statement.
import type { Sql } from '../db/database.ts'
import type { Gather } from '../db/gather.ts'
import { gather } from '../db/gather.ts'
import type { WithinBytes } from '../db/within-bytes.ts'
import { selectWithinBytes } from '../db/within-bytes.ts'
import type { EnvelopeEvent } from './envelope.ts'

/** The most bytes of bodies that the deliveries of one sender have in memory at once. */
const MAX_BYTES = 32_000_000

/** A delivery's endpoint and event as they are at this attempt. */
export type Loaded = {
  url: string
  status: string
  secrets: string[]
  eventId: string
  event: EnvelopeEvent
}

const LOAD = selectWithinBytes(
  `p.url, p.status, p.secrets, e.id as "eventId", e.source, e.type, e.delivery_id as "deliveryId", e.subject, e.actor,
    e.facts, e.body, e.payload, e.received_at as "receivedAt"`,
  `left join signalbox.deliveries d on d.id = asked.id
  left join signalbox.endpoints p on p.id = d.endpoint_id
  left join signalbox.events e on e.id = d.event_id`,
)

type Row = WithinBytes & EnvelopeEvent & Omit<Loaded, 'url' | 'event'> & { url: string | null }

/**
 * Opens the reader of one sender. The bytes of a delivery count until it has been sent; null is a
 * delivery that is gone, with its endpoint.
 */
export function openLoader(sql: Sql, { maxBytes = MAX_BYTES }: { maxBytes?: number | undefined } = {}): Gather<Loaded> {
  return gather<Loaded>({
    maxBytes,
    async read(ids, limit) {
      const { rows } = await sql.query<Row>(LOAD, [ids, limit.maxBytes, limit.atLeastOne], 'load deliveries')
      return rows.map(({ askedId, place, bytes, total, url, status, secrets, eventId, ...event }) => ({
        id: askedId,
        bytes,
        value: url === null ? null : { url, status, secrets, eventId, event },
      }))
    },
  })
}
