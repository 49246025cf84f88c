// Reading the events of jobs: those asked for in the same turn by one statement.
import type { Sql } from '../db/database.ts'
import { gather } from '../db/gather.ts'
import type { WithinBytes } from '../db/within-bytes.ts'
import { selectWithinBytes } from '../db/within-bytes.ts'
import { isUuid } from '../lib/id.ts'
import { EVENT_COLUMNS } from './columns.ts'
import type { Event } from './event.ts'

/** The most bytes of bodies that one statement reads. */
const MAX_BYTES = 32_000_000

/** Reads one event with its body; null when there is no such event. */
export type EventReader = (id: string) => Promise<Event | null>

const READ = selectWithinBytes(EVENT_COLUMNS, 'left join signalbox.events e on e.id = asked.id')

type Row = WithinBytes & Event & { id: string | null }

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
