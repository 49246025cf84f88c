// Claiming from a table in partitions: each has slots of its own, and however many rows one of
// them has waiting, the others are found as quickly.
import { MAY_BEGIN, NOT_PAUSED } from './pause.ts'
import type { Partitions, QueueTable } from './table.ts'
import { WAITED_MS, WAS_DUE } from './waited.ts'

const NOW = 'coalesce($1::timestamptz, now())'

/**
 * The statement that claims. Parameters as in claim.ts; `$4` is how many rows are looked at.
 *
 * - The index leads from one partition and group with pending rows to the next, so that a backlog
 *   costs no more than its first rows. `first_at` is where these begin: dead entries of the index
 *   before them, which an open transaction elsewhere may keep, are passed once and not again.
 * - Of a group only the first row is a candidate: the one that keeps the group, else the longest
 *   due.
 * - Where many partitions wait, each has only as many candidates as it could get if all had twice
 *   their part: a claim that finds fewer rows than it wants is followed by another.
 * - Candidates are ordered by how many rows of their partition would run then, so that all have
 *   their turn. `skip locked` takes those that no other worker is just taking; what was locked
 *   beyond the free slots of a partition stays pending.
 * - Two workers that claim at the same moment do not see each other's rows, and may together exceed
 *   the slots of a partition, but not its rate: its row in the paced table is locked, and a worker
 *   that finds it locked leaves the partition to the other.
 */
export function claimByPartition({ rows }: QueueTable, { column, limits, paced }: Partitions): string {
  return `
with recursive ${waiting(rows, column, '$6')}, ${running(rows, column, '$7')}, paced as materialized (
  select place.${paced.key} as part, place.opens_at from ${paced.table} as place
  where place.${paced.key} in (select id from ${limits} as limits where rate is not null and id in (select part from waiting))
  for no key update skip locked
), open as materialized (
  select id as part, rate, taken, least(slots - taken, ${beginnable('coalesce(paced.opens_at, limits.opens_at)')}) as free
  from ${limits} as limits left join paced on paced.part = limits.id, lateral (${takenBy('limits.id')}) as running_now
  where id in (select part from waiting) and coalesce(paced.opens_at, limits.opens_at) <= ${NOW}
    and (rate is null or paced.part is not null) and ${MAY_BEGIN}
), candidate as materialized (
  select part, id, taken + row_number() over (partition by part order by available_at) as turn, available_at
  from open join waiting using (part), lateral (
    (select id, available_at from ${rows}
      where waiting.grp = '' and status = 'pending' and not held and ${column} = part and coalesce(group_key, '') = ''
        and available_at between first_at and ${NOW}
      order by available_at limit least(free * 2, $4::integer, 1 + 2 * $4::integer / (select count(*) from open)))
    union all
    (select id, available_at from ${rows}
      where id = ${headOf(rows, column)} and available_at <= ${NOW})
  ) as due
  where free > 0
), chosen as materialized (
  select array(select id from candidate order by turn, available_at limit $4::integer) as ids
), picked as materialized (
  select id, ${column} as part, available_at from ${rows} as job
  where id = any((select ids from chosen)::uuid[]) and coalesce(status, '') = 'pending' and not held and available_at <= ${NOW}
  order by array_position((select ids from chosen), id)
  limit $3::integer
  for no key update of job skip locked
), counted as (
  select id, part, row_number() over (partition by part) as nth from picked
), claimed as (
  update ${rows} as job
  set status = 'running', owner = $2::uuid, attempt = attempt + 1, ends_as = null,
    started_at = coalesce(started_at, ${NOW}), attempt_started_at = ${NOW},
    available_at = ${NOW} + $5::float8 * interval '1 ms'
  where id = any(array(select id from counted join open using (part) where nth <= free))
  returning job.*
), begun as (
  update ${paced.table} as place
  set opens_at = greatest(place.opens_at, ${NOW} - (${burst('rate')} - 1) / rate * interval '1 s')
    + count / rate * interval '1 s'
  from (select ${column} as part, count(*) from claimed group by 1) as new join open using (part)
  where place.${paced.key} = part and rate is not null
)
select claimed.*, ${WAITED_MS} from claimed, ${WAS_DUE} order by created_at`
}

/** The statement that says when there is something to claim, or to reclaim. */
export function nextDueByPartition({ rows }: QueueTable, { column, limits }: Partitions): string {
  return `
with recursive ${waiting(rows, column, '$2')}, ${running(rows, column, '$3')}, open as materialized (
  select id as part, opens_at from ${limits} as limits, lateral (${takenBy('limits.id')}) as running_now
  where id in (select part from waiting) and slots > taken and ${NOT_PAUSED}
)
select
  (select extract(epoch from min(greatest(due_at, opens_at)) - ${NOW})::float8 * 1000
    from open join waiting using (part), lateral (
      select case when grp = '' then first_at
        else (select available_at from ${rows} where id = ${headOf(rows, column)}) end as due_at
    ) as first where due_at is not null) as "claimMs",
  (select extract(epoch from available_at - ${NOW})::float8 * 1000
    from ${rows} where status = 'running' and available_at >= $3::timestamptz order by available_at limit 1) as "expiryMs"`
}

/** The expression `waiting`, of all rows there are. */
export function firstByPartition(rows: string, { column }: Partitions): string {
  return waiting(rows, column, `'-infinity'`)
}

/**
 * The partitions and groups that have pending rows, and when the first of each is due, which is not
 * before `from`: the index alone says so of its entries, without a look at their rows.
 */
function waiting(rows: string, column: string, from: string): string {
  const first = (where: string) => `select ${column} as part, coalesce(group_key, '') as grp, available_at as first_at
    from ${rows} where status = 'pending' and not held and available_at >= ${from}::timestamptz${where}
    order by ${column}, coalesce(group_key, ''), available_at limit 1`
  return `waiting as (
  (${first('')})
  union all
  select next.* from waiting, lateral (
    ${first(` and (${column}, coalesce(group_key, '')) > (waiting.part, waiting.grp)`)}
  ) as next
)`
}

/** The rows that run: none of them is before `from`. */
function running(rows: string, column: string, from: string): string {
  return `running as materialized (
  select ${column} as part, group_key as grp from ${rows} where status = 'running' and available_at >= ${from}::timestamptz
)`
}

function takenBy(part: string): string {
  return `select count(*)::integer as taken from running where running.part = ${part}`
}

const NO_ROW = '00000000-0000-0000-0000-000000000000'

/**
 * The one row of a group that may start: null while another of it runs, and for rows without
 * one; no row's while one that keeps the group is held.
 */
function headOf(rows: string, column: string): string {
  return `(select case when waiting.grp <> '' and waiting.grp not in (select grp from running where grp is not null)
      then coalesce(
        (select case when held then '${NO_ROW}' else id end from ${rows} where status = 'pending' and holds_group and attempt > 0
          and group_key = waiting.grp and group_key is not null order by available_at limit 1),
        (select id from ${rows} where status = 'pending' and not held and ${column} = part and coalesce(group_key, '') = waiting.grp
          and available_at >= first_at order by available_at limit 1)) end)`
}

/**
 * How many rows of a partition with a rate may begin now; a rest makes up for a second of it at
 * most.
 */
function beginnable(opensAt: string): string {
  return `case when rate is not null then least(${burst('rate')}, 1 + trunc(rate * extract(epoch from
    ${NOW} - greatest(${opensAt}, ${NOW} - interval '1 hour'))))::integer end`
}

function burst(rate: string): string {
  return `greatest(1, trunc(${rate}))`
}
