// Reading what is to be sent: endpoint and event of several deliveries by one statement.
import type { Sql } from '../db/database.ts'
import type { Gather } from '../db/gather.ts'
import { gather } from '../db/gather.ts'
import type { WithinBytes } from '../db/within-bytes.ts'
import { selectWithinBytes } from '../db/within-bytes.ts'
import type { Seal } from '../endpoints/seal.ts'
import type { SealedColumns } from '../endpoints/secrets.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import type { EnvelopeEvent } from './envelope.ts'

/** The most bytes of bodies that the deliveries of one sender have in memory at once. */
const MAX_BYTES = 32_000_000

/** A delivery's endpoint and event as they are at this attempt. */
export type Loaded = {
  endpointId: string
  url: string
  status: string
  eventId: string
  event: EnvelopeEvent
} & Opened

/** What the endpoint has sealed, opened. */
type Opened = {
  /** Every live one, the newest first. */
  secrets: string[]
  /** To be sent as well. */
  headers: Record<string, string>
  credential: string | null
  /** Why they could not be opened, and are empty: a key is missing. Null when they were. */
  unreadable: string | null
}

const LOAD = selectWithinBytes(
  `p.id as "endpointId", p.url, p.status, p.secrets, p.headers as "sealedHeaders", p.credential,
    coalesce($4::timestamptz, now()) as at, e.id as "eventId", e.source, e.type, e.delivery_id as "deliveryId",
    e.subject, e.actor, e.facts, e.body, e.payload, e.received_at as "receivedAt"`,
  `left join signalbox.deliveries d on d.id = asked.id
  left join signalbox.endpoints p on p.id = d.endpoint_id
  left join signalbox.events e on e.id = d.event_id`,
)

type Row = WithinBytes &
  EnvelopeEvent &
  Omit<SealedColumns, 'headers'> &
  Pick<Loaded, 'status' | 'eventId'> & {
    endpointId: string | null
    url: string
    sealedHeaders: SealedColumns['headers']
    at: Date
  }

/** What a reader of deliveries needs. */
export type LoaderOptions = { seal: Seal; clock: Clock; maxBytes?: number | undefined }

/**
 * Opens the reader of one sender. The bytes of a delivery count until it has been sent; null is a
 * delivery that is gone, with its endpoint.
 */
export function openLoader(sql: Sql, { seal, clock, maxBytes = MAX_BYTES }: LoaderOptions): Gather<Loaded> {
  return gather<Loaded>({
    maxBytes,
    async read(ids, limit) {
      const values = [ids, limit.maxBytes, limit.atLeastOne, clock.sqlNow()]
      const { rows } = await sql.query<Row>(LOAD, values, 'load deliveries')
      return rows.map((row) => ({ id: row.askedId, bytes: row.bytes, value: loaded(seal, row) }))
    },
  })
}

function loaded(seal: Seal, row: Row): Loaded | null {
  const { askedId, place, bytes, total, endpointId, url, status, secrets, sealedHeaders, credential, at, ...rest } = row
  if (endpointId === null) return null
  const { eventId, ...event } = rest
  const live = secrets.filter(({ expires_at: end }) => end === null || Date.parse(end) > at.getTime())
  const opened = open(seal, endpointId, { secrets: live, headers: sealedHeaders, credential })
  return { endpointId, url, status, eventId, event, ...opened }
}

function open(seal: Seal, id: string, { secrets, headers, credential }: SealedColumns): Opened {
  const text = (sealed: string) => seal.open(id, sealed)
  try {
    return {
      secrets: secrets.map(({ sealed }) => text(sealed)),
      headers: Object.fromEntries(Object.entries(headers).map(([name, sealed]) => [name, text(sealed)])),
      credential: credential === null ? null : text(credential),
      unreadable: null,
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { secrets: [], headers: {}, credential: null, unreadable: error.detail }
  }
}
