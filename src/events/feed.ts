// Reading the event log by a cursor, oldest first, so that a reader misses nothing, whatever it was
// away for. Refused requests are not in it.
import type { Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import { likePattern } from '../lib/glob.ts'
import { isUuid } from '../lib/id.ts'
import { pageLimit } from '../lib/page.ts'
import { BODY, EVENT_COLUMNS } from './columns.ts'
import type { Event } from './event.ts'
import { SUMMARY_COLUMNS } from './query.ts'
import type { EventSummary } from './wire.ts'

/** Which events to read. */
export type FeedFilter = {
  /** The `next` or the `cursor` of an answer before; `0` is the beginning, and `now` the end. */
  after: string
  /** A type, or a glob such as `issues.*`. */
  type?: string | undefined
  source?: string | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
}

/** With the cursor after it. */
export type InFeed<Item> = Item & { cursor: string }

/** Events, oldest first. */
export type FeedPage<Item> = {
  items: Item[]
  /** Always the `after` of the following page, also when this one is empty. */
  next: string
  /** Whether there was no more to read. */
  isEnd: boolean
}

/** An event, and whether what it said was deleted. */
type FullEvent = Event & { isPruned: boolean }

// A filter for something rare must not read the whole log for one answer.
const MAX_EXAMINED = 5_000
const MAX_BODY_BYTES = 4_000_000

// The order is that of the transactions that recorded the events, and within one that of their ids.
// Only those are handed out that came before every transaction that is still open: an open one may
// have recorded an event that is not visible yet, and all later ones are numbered higher. Numbers
// are those of the whole server; what is known to be open in another database does not count.
const HORIZON = `
select base + least(pg_snapshot_xmax(now.snapshot)::text::bigint, (
    select min(open::text::bigint) from pg_snapshot_xip(now.snapshot) as open
    where not exists (
      select from pg_stat_activity a join pg_database d on d.oid = a.datid
      where a.backend_xid = open::xid and d.datname <> current_database()
    )
  )) as horizon, base + pg_snapshot_xmax(now.snapshot)::text::bigint as following
from signalbox.event_positions, (select pg_current_snapshot() as snapshot) as now`
const FIND = `
with limits as (${HORIZON}), examined as materialized (
  select id, position, type, source, status from signalbox.events
  where position >= $1 and (position, id) > ($1, $2) and position < (select horizon from limits)
  order by position, id limit $3
), matching as (
  select id, position from examined
  where status <> 'rejected' and ($4::text is null or type like $4) and ($5::text is null or source = $5)
  order by position, id limit $6
), sized as (
  select id, position, sum(coalesce(octet_length(${BODY}), 0)) over (order by m.position, m.id) - coalesce(octet_length(${BODY}), 0) as before
  from matching m join signalbox.events e using (id, position)
)
select horizon::text, following::text,
  (select json_agg(json_build_object('id', id, 'position', position::text) order by position, id)
   from sized where before < $7 or $7 is null) as found,
  (select count(*)::int from matching) as matched,
  (select json_build_object('id', id, 'position', position::text, 'count', (select count(*) from examined))
   from examined order by position desc, id desc limit 1) as last
from limits`

type Place = { id: string; position: string }
type Found = {
  horizon: string
  /** What the next transaction will be numbered. */
  following: string
  found: Place[] | null
  matched: number
  last: (Place & { count: number }) | null
}

/**
 * Reads what lists show of events.
 * @throws AppError `input_invalid` when `after` is not a cursor of this database.
 */
export function readFeed(sql: Sql, filter: FeedFilter): Promise<FeedPage<InFeed<EventSummary>>> {
  return read<EventSummary>(sql, filter, { columns: SUMMARY_COLUMNS, maxBytes: null })
}

/** The same with everything that is stored of them: fewer, where their bodies are large. */
export function readFullFeed(sql: Sql, filter: FeedFilter): Promise<FeedPage<InFeed<FullEvent>>> {
  const columns = `${EVENT_COLUMNS}, e.body_pruned_at is not null as "isPruned"`
  return read<FullEvent>(sql, filter, { columns, maxBytes: MAX_BODY_BYTES })
}

async function read<Item extends { id: string }>(
  sql: Sql,
  filter: FeedFilter,
  how: { columns: string; maxBytes: number | null },
): Promise<FeedPage<InFeed<Item>>> {
  const limit = pageLimit(filter.limit)
  const from = filter.after === 'now' ? await endOf(sql) : readPlace(filter.after)
  const isFiltered = filter.type !== undefined || filter.source !== undefined
  const most = isFiltered ? MAX_EXAMINED : limit
  const type = filter.type === undefined ? null : likePattern(filter.type)
  const values = [from.position, from.id, most, type, filter.source ?? null, limit, how.maxBytes]
  const { horizon, following, found, matched, last } = (await sql.query<Found>(FIND, values)).rows[0] as Found
  if (BigInt(from.position) > BigInt(following)) throw unknownCursor()
  const places = found ?? []
  const { rows } = await sql.query<Item>(
    `select ${how.columns} from signalbox.events e where e.id = any($1::uuid[]) order by e.position, e.id`,
    [places.map(({ id }) => id)],
  )
  const items = rows.map((row, at) => ({ ...row, cursor: cursorOf(places[at] as Place) }))
  const lastItem = items.at(-1)
  if (lastItem !== undefined && (matched === limit || matched > items.length)) {
    return { items, next: lastItem.cursor, isEnd: false }
  }
  if (last?.count === most) return { items, next: cursorOf(last), isEnd: false }
  // A transaction of another database that has just ended may set the horizon back for a moment.
  const isBehind = BigInt(horizon) <= BigInt(from.position)
  return { items, next: isBehind ? cursorOf(from) : horizon, isEnd: true }
}

/**
 * The number of the newest event that `readFeed` would return, which grows; null without one. It
 * takes well below a millisecond.
 */
export async function newestPosition(sql: Sql): Promise<bigint | null> {
  const { rows } = await sql.query<{ newest: string | null }>(
    `select max(position)::text as newest from signalbox.events where position < (select horizon from (${HORIZON}) as limits)`,
    [],
    'newest position',
  )
  const newest = rows[0]?.newest ?? null
  return newest === null ? null : BigInt(newest)
}

/** The number from which on a page's `next` reads, to compare with `newestPosition`. */
export function positionOf(cursor: string): bigint {
  return BigInt(readPlace(cursor).position)
}

/**
 * Where the tables were copied to another server, whose transactions count from less, positions
 * go on from the last one all the same. Runs at start.
 */
export async function keepPositions(sql: Sql): Promise<void> {
  await sql.query(`
    update signalbox.event_positions set base = newest + 1 - next
    from (select max(position) as newest from signalbox.events) as events,
      (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next) as transactions
    where base + next <= newest`)
}

const NO_ID = '00000000-0000-0000-0000-000000000000'

async function endOf(sql: Sql): Promise<Place> {
  const { rows } = await sql.query<{ position: string }>(`select horizon::text as position from (${HORIZON}) as limits`)
  return { position: rows[0]?.position ?? '0', id: NO_ID }
}

function cursorOf({ position, id }: Place): string {
  return `${position}_${id}`
}

function readPlace(cursor: string): Place {
  const [position = '', id = NO_ID, ...more] = cursor.split('_')
  if (!/^\d{1,18}$/.test(position) || !isUuid(id) || more.length > 0) throw unknownCursor()
  return { position, id }
}

function unknownCursor(): AppError {
  return new AppError(
    'input_invalid',
    'after: not a cursor of this database; pass the `next` of an answer before, 0 for the beginning, or now for the end.',
  )
}
