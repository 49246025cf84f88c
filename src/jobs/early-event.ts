// Events that came before somebody began to wait for them.
import type { Sql } from '../db/database.ts'
import type { Draft, Event } from '../events/event.ts'
import type { Json } from '../lib/json.ts'
import type { Arriving, Place, Wanted } from './wanted.ts'
import { isAt, isWanted } from './wanted.ts'

const PAGE = 200

/** What an event says. */
export type PayloadOf = (event: Pick<Draft, 'body' | 'payload'>) => unknown

/** A place in the order of recording. */
export type From = { position: bigint; id: string }

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** Where an event is in the order of recording; null when there is no such event. */
export async function placeOf(sql: Sql, eventId: string): Promise<From | null> {
  const text = 'select position::text from signalbox.events where id = $1'
  const [row] = (await sql.query<{ position: string }>(text, [eventId])).rows
  return row === undefined ? null : { position: BigInt(row.position), id: eventId }
}

/** Every event before this position is visible now, or was rolled back. */
export async function horizonOf(sql: Sql): Promise<bigint> {
  const { rows } = await sql.query<{ horizon: string }>(
    `select (base + pg_snapshot_xmin(pg_current_snapshot())::text::bigint)::text as horizon
     from signalbox.event_positions`,
  )
  return BigInt(rows[0]?.horizon ?? 0)
}

/** The later one of a place and a position. */
export function laterOf(from: From, position: bigint): From {
  return from.position > position ? from : { position, id: NO_ID }
}

type Recorded = Pick<Event, 'id' | 'type' | 'source' | 'facts' | 'body' | 'payload'> & { position: string }

/** The first event after this place that is wanted. */
export async function findEvent(
  sql: Sql,
  { wanted, place }: { wanted: Wanted; place: Place },
  from: From,
  payloadOf: PayloadOf,
): Promise<string | null> {
  for (let last = { position: String(from.position), id: from.id }; ; ) {
    const { rows } = await sql.query<Recorded>(
      `select id, position::text, type, source, facts, case when $5 then coalesce(body, packed) end as body,
         case when $5 then payload end as payload
       from signalbox.events
       where position >= $1 and (position, id) > ($1, $2) and status <> 'rejected'
         and ($3::text is null or facts->>'repository' = $3) and ($4::text is null or facts->>'number' = $4)
       order by position, id limit ${PAGE}`,
      [
        last.position,
        last.id,
        place.repository,
        place.number === null ? null : String(place.number),
        wanted.payload !== null,
      ],
    )
    const found = rows.find((row) => {
      const event: Arriving = { ...row, says: () => payloadOf(row) as Json | undefined }
      return isAt(place, event) && isWanted(wanted, event)
    })
    if (found !== undefined) return found.id
    const end = rows.at(-1)
    if (end === undefined || rows.length < PAGE) return null
    last = end
  }
}
