// Taking due rows: the one statement all workers compete with.
import type { Sql } from '../db/database.ts'
import { claimByPartition, nextDueByPartition } from './claim-by-partition.ts'
import type { FirstLive } from './first-live.ts'
import { MAY_BEGIN, NOT_PAUSED } from './pause.ts'
import { WAITING } from './settle.ts'
import type { Claimed, QueueOptions, QueueTable } from './table.ts'
import { WAITED_MS, WAS_DUE } from './waited.ts'

/**
 * Rows looked at per row wanted: a worker passes over the ones another is just taking and still
 * fills its slots.
 */
const WINDOW = 2
const RACES = 10

/** Taking rows, and knowing when there will be some. */
export type Claims<Row extends object> = {
  /**
   * Takes up to `limit` due rows: highest priority first, then the longest due, of a group never
   * more at a time than its rows allow, which is one by default; of a table in partitions first
   * from those with the fewest rows running, and from none more than its limits allow. Each becomes
   * `running` with a lease of `leaseMs`. The guarantee that no slot of a group is taken twice is
   * the unique index on running rows; the query only makes losing that race rare. Fewer rows than
   * `limit` does not mean that none is left: one that has come before the first live ones may be
   * missed for a while (first-live.ts).
   * @throws Error when it lost ten races in a row, with the last conflict as its cause.
   */
  claim(sql: Sql, options: ClaimOptions): Promise<Claimed<Row>[]>
  /**
   * Milliseconds until the first row that may start is due, and until the first lease expires; 0
   * or less is now, null is never. Rows of other kinds than these do not count as claimable.
   */
  nextDue(sql: Sql, options?: { kinds?: Kinds }): Promise<NextDue>
}

/** Which rows may be claimed, of a table that tells kinds apart; all of them by default. */
export type Kinds = readonly string[] | null | undefined

/** Who claims, how many rows at most, and for how long. */
export type ClaimOptions = { owner: string; limit: number; leaseMs: number; kinds?: Kinds }

export type NextDue = {
  claimMs: number | null
  expiryMs: number | null
  /**
   * In how many milliseconds the next answer may be another, because rows have come before the
   * first live ones since these were asked for; null when they were asked for just now.
   */
  againMs: number | null
}

/** The claims on one table. */
export function claimsOn<Row extends object>({ table, clock }: QueueOptions, first: FirstLive): Claims<Row> {
  const { partitions } = table
  const claimText = partitions ? claimByPartition(table, partitions) : claimStatement(table)
  const nextDueText = partitions ? nextDueByPartition(table, partitions) : nextDueStatement(table)
  // A table that does not tell kinds apart has no parameter for them.
  const kindValues = (kinds: Kinds) => (table.ofKinds ? [kinds ?? null] : [])
  return {
    async claim(sql, { owner, limit, leaseMs, kinds }) {
      for (let race = 1; ; race++) {
        try {
          const values = [
            clock.sqlNow(),
            owner,
            limit,
            limit * WINDOW,
            leaseMs,
            ...(await first.read(sql)),
            ...kindValues(kinds),
          ]
          return (await sql.query<Claimed<Row>>(claimText, values, `claim ${table.rows}`)).rows
        } catch (error) {
          if (!isLostRace(error, table)) throw error
          // The winner has committed by now and its group is seen as running: claim the rest again.
          first.forget()
          if (race === RACES) throw new Error(`A claim lost ${RACES} races in a row.`, { cause: error })
        }
      }
    },
    async nextDue(sql, { kinds } = {}) {
      const againMs = first.validMs()
      const values = [clock.sqlNow(), ...(await first.read(sql)), ...kindValues(kinds)]
      const { rows } = await sql.query<Omit<NextDue, 'againMs'>>(nextDueText, values, `next due ${table.rows}`)
      return { claimMs: null, expiryMs: null, ...rows[0], againMs }
    },
  }
}

/** Whether a row keeps its group while it waits: from its first attempt on. */
const KEEPS_GROUP = 'holds_group and attempt > 0'

/**
 * The rows that run, how many of each group, and which groups others keep. `first` is the parameter
 * with the first live row that runs: one that comes before it has its slot by the unique index.
 * Those that keep a group are all read, because the next of it must never overtake them. They are
 * asked for as their index has it and no other: the planner took the one of all that wait.
 */
function groupsOf({ rows }: QueueTable, first: string): string {
  return `running as materialized (
  select group_key, group_slot, group_limit from ${rows} where status = 'running' and available_at >= ${first}::timestamptz
), taken as materialized (
  select group_key, count(*)::integer as count, count(*) >= min(group_limit) as is_full
  from running where group_key is not null group by group_key
), kept as materialized (
  select group_key from ${rows} where (status = 'pending' and ${KEEPS_GROUP}) is true and group_key is not null
)`
}

/**
 * A row of a kind that is not asked for (`kinds` is the parameter that names them) may not start.
 * A row of a group may not start while as many of it run as it or one of those allows, nor while
 * another keeps the group.
 * A row in back-off that does not keep its group lets the others of it pass.
 */
function unblocked({ ofKinds }: QueueTable, kinds: string): string {
  return `${ofKinds ? `(${kinds}::text[] is null or ${ofKinds(`${kinds}::text[]`)}) and ` : ''}(group_key is null or (
        group_key not in (select group_key from taken where is_full) and ${hasSlot('group_limit - 1')}
        and (${KEEPS_GROUP} or group_key not in (select group_key from kept))))`
}

/** Whether not more rows of a group run than this: looked up by hash, once for each row. */
function hasSlot(count: string): string {
  return `(group_key, (${count})::integer) not in (select group_key, generate_series(0, count - 1) from taken)`
}

// - A row that waits for something else than an attempt is claimed when its time is up.
// - One priority at a time, because one index scan over (priority, available_at) would walk the
// delayed rows of each.
// - Of a group only as many rows are candidates as it has free slots, each with its own: the first
// ones, so that a locked row of a group of one is never overtaken by the second. Where their limits
// differ, the lowest counts.
// - Candidates are found without locks. `skip locked` then takes the first free ones, one row at a
// time, and looks again at what may have changed since: claimed and put off by another worker.
// - Rows are then found by id alone: `status` is hidden from the planner by coalesce, and ids come
// as an array. A join went through the index on pending rows, once for each candidate past every
// dead entry of it (1 s for 200 rows after 50,000 others were done beside an open transaction), or,
// without statistics, through the whole table.
function claimStatement(table: QueueTable): string {
  return `
with ${groupsOf(table, '$7')}, due as materialized (
  select row_number() over () as place, waiting.id, waiting.group_key, waiting.group_limit
  from generate_series(10, 1, -1) as level,
  lateral (
    select id, group_key, group_limit from ${table.rows}
    where status in ${WAITING} and not held and priority = level
      and available_at between ($6::timestamptz[])[level] and coalesce($1::timestamptz, now()) and ${unblocked(table, '$8')}
    order by available_at
    limit $4::integer
  ) as waiting
  where ${MAY_BEGIN}
  limit $4::integer
), ranked as (
  select id, group_key, min(group_limit) over (partition by coalesce(group_key, id::text) order by place) as group_limit,
    case when group_key is null then 1 else row_number() over (partition by group_key order by place) end as nth
  from due
), candidate as materialized (
  select id, free.slot from ranked, lateral (
    select slot from generate_series(0, group_limit - 1) as slot
    where ranked.group_key is null or nth <= group_limit and ${hasSlot('group_limit - nth')}
      and (ranked.group_key, slot) not in (select group_key, group_slot from running where group_key is not null)
    order by slot offset nth - 1 limit 1
  ) as free
), picked as (
  select id, available_at from ${table.rows} as job
  where id = any(array(select id from candidate))
    and coalesce(status, '') in ${WAITING} and not held and available_at <= coalesce($1::timestamptz, now())
  order by priority desc, available_at
  limit $3::integer
  for no key update of job skip locked
), claimed as (
  update ${table.rows} as job
  set status = 'running', owner = $2::uuid, attempt = attempt + 1, ends_as = null,
    group_slot = (select slot from candidate where candidate.id = job.id),
    started_at = coalesce(started_at, $1::timestamptz, now()),
    attempt_started_at = coalesce($1::timestamptz, now()),
    available_at = coalesce($1::timestamptz, now()) + $5::float8 * interval '1 ms'
  where id = any(array(select id from picked))
  returning job.*
)
select claimed.*, ${WAITED_MS} from claimed, ${WAS_DUE} order by priority desc, created_at`
}

function nextDueStatement(table: QueueTable): string {
  return `
with moment as (select coalesce($1::timestamptz, now()) as at), ${groupsOf(table, '$3')}
select
  (select extract(epoch from min(waiting.available_at) - at)::float8 * 1000
    from generate_series(10, 1, -1) as level,
    lateral (
      select available_at from ${table.rows}
      where status in ${WAITING} and not held and priority = level
        and available_at >= ($2::timestamptz[])[level] and ${unblocked(table, '$4')}
      order by available_at limit 1
    ) as waiting
    where ${NOT_PAUSED}) as "claimMs",
  (select extract(epoch from available_at - at)::float8 * 1000
    from ${table.rows} where status = 'running' and available_at >= $3::timestamptz order by available_at limit 1) as "expiryMs"
from moment`
}

/**
 * Whether a group's index entry (23505, unique violation) or another worker's row (40P01, deadlock
 * of two claims) was there first.
 */
function isLostRace(error: unknown, { rows }: QueueTable): boolean {
  if (!(error instanceof Error)) return false
  const { code, constraint } = error as { code?: unknown; constraint?: unknown }
  return code === '40P01' || (code === '23505' && constraint === `${rows.replace(/^.*\./, '')}_group`)
}
