// Reading the events of jobs: those asked for in the same turn by one statement.
import type { Sql } from '../db/database.ts'
import { gather } from '../db/gather.ts'
import { isUuid } from '../lib/id.ts'
import type { Event } from './event.ts'

/** The most bytes of bodies that one statement reads. */
const MAX_BYTES = 32_000_000

/** Reads one event with its body; null when there is no such event. */
export type EventReader = (id: string) => Promise<Event | null>

// The running sum needs no body: PostgreSQL knows the length of a long value without reading it. A
// payload of its own is about as long as the body it was made from.
const READ = `
select * from (
  select asked.id as "askedId", asked.place, e.id, source, delivery_id as "deliveryId", type, status, reason, subject,
    actor, facts, body, payload, content_type as "contentType", headers, depth, received_at as "receivedAt",
    coalesce(octet_length(body), 0) * (case when payload is null then 1 else 2 end) as bytes,
    sum(coalesce(octet_length(body), 0) * (case when payload is null then 1 else 2 end)) over (order by asked.place) as total
  from unnest($1::uuid[]) with ordinality as asked (id, place) left join signalbox.events e on e.id = asked.id
) as sized
where total <= $2::bigint or ($3::boolean and place = 1)
order by place`

type Row = Event & { askedId: string; place: number; bytes: number; total: number; id: string | null }

/** Opens a reader. A statement reads at most `maxBytes` of bodies, or one longer one. */
export function openEventReader(sql: Sql, { maxBytes = MAX_BYTES }: { maxBytes?: number } = {}): EventReader {
  const take = gather<Event>({
    maxBytes,
    async read(ids, limit) {
      const { rows } = await sql.query<Row>(READ, [ids, limit.maxBytes, limit.atLeastOne], 'read events')
      return rows.map(({ askedId, place, bytes, total, ...event }) => ({
        id: askedId,
        bytes,
        value: event.id === null ? null : event,
      }))
    },
  })
  // PostgreSQL answers with small letters.
  return async (id) => (isUuid(id) ? take(id.toLowerCase(), (event) => event) : null)
}
