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
import type { JsonObject } from '../lib/json.ts'
import type { EnvelopeEvent } from './envelope.ts'
import type { KindName } from './kinds/kind.ts'

/** The most bytes of large bodies that the deliveries of one sender have in memory at once. */
const MAX_BYTES = 32_000_000
/**
 * The part of them that is small, 64 kB: such a body is not counted, and waits for none that is
 * large. Otherwise the large ones of an endpoint that does not answer would keep all others
 * waiting. Those of all slots come to a quarter more.
 */
const SMALL = 1 / 500

/** A delivery's endpoint and event as they are at this attempt. */
export type Loaded = {
  endpoint: LoadedEndpoint
  /** Why what the endpoint has sealed is empty: a key is missing. Null when it was opened. */
  unreadable: string | null
  /** Whether the endpoint had a success within the last minute, and no failure since. */
  isWell: boolean
  /** The database's time, which all processes share. */
  at: Date
  eventId: string
  /** How many internal events are between the event and one from outside. */
  depth: number
  event: EnvelopeEvent
}

/** What sending to an endpoint needs of it. */
export type LoadedEndpoint = Plain & {
  /** Every live secret, the newest first. */
  secrets: string[]
  /** To be sent as well. */
  headers: Record<string, string>
  credential: string | null
}

/** What of it is not sealed; named as in the table. */
type Plain = {
  id: string
  name: string
  kind: KindName
  url: string
  status: string
  /** Disabled for its failures, and still tried. */
  heals: boolean
  settings: JsonObject
  format: 'envelope' | 'raw'
  signatures: ('standard' | 'agenta' | 'ed25519')[]
  ordering: 'parallel' | 'ordered' | 'latest-only'
  schedule: number[] | null
  templates: Record<string, string>
}

const LOAD = selectWithinBytes(
  `p.id, p.secrets, p.headers, p.credential, coalesce($4::timestamptz, now()) as at,
    json_build_object('name', p.name, 'kind', p.kind, 'url', p.url, 'status', p.status, 'heals', p.heals,
      'settings', p.settings, 'format', p.format, 'signatures', p.signatures, 'ordering', p.ordering,
      'schedule', p.schedule, 'templates', p.templates) as plain,
    coalesce(h.failures = 0 and h.state = 'closed'
      and h.last_success_at > coalesce($4::timestamptz, now()) - interval '1 minute', false) as "isWell",
    e.id as "eventId", e.depth, e.source, e.type, e.delivery_id as "deliveryId", e.subject, e.actor, e.facts,
    coalesce(e.body, e.packed) as body,
    e.payload, e.content_type as "contentType", e.headers as "eventHeaders", e.received_at as "receivedAt"`,
  `left join signalbox.deliveries d on d.id = asked.id
  left join signalbox.endpoints p on p.id = d.endpoint_id
  left join signalbox.endpoint_health h on h.endpoint_id = d.endpoint_id
  left join signalbox.events e on e.id = d.event_id`,
  '$5::bigint',
)

type Row = WithinBytes &
  Omit<EnvelopeEvent, 'headers'> &
  SealedColumns & {
    id: string | null
    plain: Omit<Plain, 'id'>
    isWell: boolean
    at: Date
    eventId: string
    depth: number
    eventHeaders: Record<string, string>
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
      const values = [ids, limit.maxBytes, limit.atLeastOne, clock.sqlNow(), Math.floor(maxBytes * SMALL)]
      const { rows } = await sql.query<Row>(LOAD, values, 'load deliveries')
      return rows.map((row) => ({ id: row.askedId, bytes: row.bytes, value: loaded(seal, row) }))
    },
  })
}

function loaded(seal: Seal, row: Row): Loaded | null {
  const { id, plain, isWell, at, eventId, depth, secrets, headers, credential, eventHeaders, ...event } = row
  if (id === null) return null
  const live = secrets.filter(({ expires_at: end }) => end === null || Date.parse(end) > at.getTime())
  const { unreadable, ...opened } = open(seal, id, { secrets: live, headers, credential })
  return {
    endpoint: { id, ...plain, ...opened },
    unreadable,
    isWell,
    at,
    eventId,
    depth,
    event: { ...event, headers: eventHeaders },
  }
}

type Opened = Pick<LoadedEndpoint, 'secrets' | 'headers' | 'credential'> & Pick<Loaded, 'unreadable'>

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
