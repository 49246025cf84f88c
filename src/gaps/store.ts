// The rows of what was looked at, and of what was missed.
import type { Sql } from '../db/database.ts'
import { storable } from '../db/text.ts'
import type { FoundHooks, HookPath, HookProblem } from '../forges/hooks.ts'
import type { Clock } from '../lib/clock.ts'
import { idFor } from '../lib/id.ts'
import { isDead } from '../nodes/alive.ts'
import type { Missed } from './missed.ts'

// Longer than one request to a forge takes, with its repetitions.
const LEASE_MS = 90_000

/** Whose webhooks these are; also the name of their events' source. */
export const SOURCE = 'github'

/** What of a webhook was looked at, and when; null before the first look. */
export type Cursor = { seenFrom: Date | null; seenUntil: Date | null; lookedAt: Date | null }

type Owned = { hook: HookPath; owner: string }

/** Acquires a webhook to look at; null while another process looks, and lives. */
export async function claimHook(sql: Sql, clock: Clock, { hook, owner }: Owned): Promise<Cursor | null> {
  const { rows } = await sql.query<Cursor>(
    `insert into signalbox.hook_cursors as c (hook, owner, leased_until)
     values ($1, $2, coalesce($3::timestamptz, now()) + $4 * interval '1 ms')
     on conflict (hook) do update set owner = $2, leased_until = excluded.leased_until
     where c.leased_until is null or c.leased_until <= coalesce($3, now()) or c.owner = $2 or ${isDead('c.owner')}
     returning seen_from as "seenFrom", seen_until as "seenUntil", looked_at as "lookedAt"`,
    [storable(hook), owner, clock.sqlNow(), LEASE_MS],
  )
  return rows[0] ?? null
}

/** How long it is until another process, if it is dead, leaves one of these webhooks to others. */
export async function leaseLeftMs(sql: Sql, clock: Clock, hooks: readonly HookPath[]): Promise<number> {
  const { rows } = await sql.query<{ ms: number | null }>(
    `select ceil(extract(epoch from min(least(c.leased_until, n.heartbeat_at + n.lease_ms * interval '1 ms'))
       - coalesce($2::timestamptz, now())) * 1000)::int as ms
     from signalbox.hook_cursors c left join signalbox.nodes n on n.id = c.owner where c.hook = any($1)`,
    [hooks, clock.sqlNow()],
  )
  return Math.max(0, rows[0]?.ms ?? 0)
}

/** How far a webhook was looked at, for who changes nothing. */
export async function cursorOf(sql: Sql, hook: HookPath): Promise<Cursor> {
  const { rows } = await sql.query<Cursor>(
    `select seen_from as "seenFrom", seen_until as "seenUntil", looked_at as "lookedAt"
     from signalbox.hook_cursors where hook = $1`,
    [storable(hook)],
  )
  return rows[0] ?? { seenFrom: null, seenUntil: null, lookedAt: null }
}

/** Renews the lease; false when it ended, and another process looks. */
export async function renewHook(sql: Sql, clock: Clock, { hook, owner }: Owned): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update signalbox.hook_cursors set leased_until = coalesce($3::timestamptz, now()) + $4 * interval '1 ms'
     where hook = $1 and owner = $2`,
    [storable(hook), owner, clock.sqlNow(), LEASE_MS],
  )
  return rowCount === 1
}

/** Ends the leases of owners that are known to be dead. */
export async function releaseHooksOf(sql: Sql, owners: readonly string[]): Promise<void> {
  await sql.query('update signalbox.hook_cursors set owner = null, leased_until = null where owner = any($1::uuid[])', [
    owners,
  ])
}

/** What a look came to: `seen` is null where it was not complete. */
export type Looked = { seen: { from: Date; until: Date } | null; problem: string | null }

/** Ends the lease, and stores how far it came; says whether its problem is another one. */
export async function releaseHook(sql: Sql, clock: Clock, { hook, owner }: Owned, looked: Looked): Promise<boolean> {
  const { rows } = await sql.query<{ isOther: boolean }>(
    `update signalbox.hook_cursors as c
     set owner = null, leased_until = null, problem = $3, seen_until = greatest(c.seen_until, $4::timestamptz),
       seen_from = coalesce(c.seen_from, $6), looked_at = case when $4::timestamptz is null then c.looked_at else coalesce($5::timestamptz, now()) end
     from (select problem from signalbox.hook_cursors where hook = $1) as before
     where hook = $1 and owner = $2
     returning before.problem is distinct from $3 as "isOther"`,
    [storable(hook), owner, looked.problem, looked.seen?.until ?? null, clock.sqlNow(), looked.seen?.from ?? null],
  )
  return rows[0]?.isOther ?? false
}

/** Stores where webhooks were found, and where not; returns the problems that are new. */
export async function noteFound(sql: Sql, { hooks, problems }: FoundHooks): Promise<HookProblem[]> {
  // What could not be looked for may still be there.
  await sql.query(
    `delete from signalbox.hook_cursors
     where hook <> all($1) and leased_until is null and (seen_until is null or $2)`,
    [[...hooks, ...problems.map(({ place }) => place)], problems.length === 0],
  )
  const fresh: HookProblem[] = []
  for (const { place, problem } of problems) {
    const { rowCount } = await sql.query(
      `insert into signalbox.hook_cursors as c (hook, problem) values ($1, $2)
       on conflict (hook) do update set problem = $2 where c.problem is distinct from $2`,
      [storable(place), storable(problem)],
    )
    if (rowCount > 0) fresh.push({ place, problem })
  }
  return fresh
}

/** When the first webhook that is stored was received; null when there is none. */
export async function firstReceived(sql: Sql): Promise<Date | null> {
  const { rows } = await sql.query<{ at: Date }>(
    `select received_at as at from signalbox.events where source = $1 and status <> 'rejected'
     order by received_at limit 1`,
    [SOURCE],
  )
  return rows[0]?.at ?? null
}

/** The events that there are of these webhooks, by guid, and whether they were fetched. */
export async function eventsOf(
  sql: Sql,
  guids: readonly string[],
): Promise<Map<string, { id: string; isRecovered: boolean }>> {
  const { rows } = await sql.query<{ guid: string; id: string; isRecovered: boolean }>(
    `select delivery_id as guid, id, recovered_at is not null as "isRecovered" from signalbox.events
     where source = $1 and delivery_id = any($2)`,
    [SOURCE, guids],
  )
  return new Map(rows.map(({ guid, ...event }) => [guid, event]))
}

/** Those of these webhooks that are decided already, and need no further look. */
export async function decidedOf(sql: Sql, hook: HookPath, guids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql.query<{ guid: string }>(
    `select guid from signalbox.gap_deliveries where hook = $1 and guid = any($2) and outcome <> 'pending'`,
    [storable(hook), guids],
  )
  return new Set(rows.map(({ guid }) => guid))
}

/** What became of a webhook that was missed. */
export type Outcome = {
  outcome: 'recovered' | 'arrived' | 'lost' | 'pending'
  reason: string | null
  eventId: string | null
}

/** A webhook that was missed; without an outcome it was decided before. */
export type Decided = Missed & Partial<Outcome>

/**
 * Stores what was missed in one time as one gap: the one that some of it belongs to already, or
 * else a new one. Returns its id.
 */
export async function saveGap(sql: Sql, clock: Clock, hook: HookPath, missed: readonly Decided[]): Promise<string> {
  const guids = missed.map(({ guid }) => guid)
  const { rows } = await sql.query<{ id: string }>(
    'select gap_id as id from signalbox.gap_deliveries where hook = $1 and guid = any($2) order by sent_at limit 1',
    [storable(hook), guids],
  )
  const id = rows[0]?.id ?? idFor('gap', hook, guids[0] ?? '')
  const [began, ended] = [missed[0]?.at, missed.at(-1)?.at]
  await sql.query(
    `insert into signalbox.gaps as g (id, hook, began_at, ended_at, found_at)
     values ($1, $2, $3, $4, coalesce($5::timestamptz, now()))
     on conflict (id) do update set began_at = least(g.began_at, $3), ended_at = greatest(g.ended_at, $4)`,
    [id, storable(hook), began, ended, clock.sqlNow()],
  )
  const decided = missed.filter(({ outcome }) => outcome !== undefined)
  await sql.query(
    `insert into signalbox.gap_deliveries as d (hook, guid, gap_id, type, sent_at, status, outcome, reason, event_id)
     select $1, guid, $2, type, sent_at, status, outcome, reason, event_id
     from json_to_recordset($3::json) as n (guid text, type text, sent_at timestamptz, status integer, outcome text,
       reason text, event_id uuid)
     on conflict (hook, guid) do update set outcome = excluded.outcome, reason = excluded.reason,
       event_id = excluded.event_id, status = excluded.status
     where d.outcome = 'pending'`,
    [
      storable(hook),
      id,
      JSON.stringify(
        decided.map(({ guid, event, at, status, outcome, reason, eventId }) => ({
          guid: storable(guid),
          type: storable(event),
          sent_at: at,
          status,
          outcome,
          reason: reason === null || reason === undefined ? null : storable(reason),
          event_id: eventId,
        })),
      ),
    ],
  )
  return id
}

/** Stores a time of which the forge has no list any more. */
export async function saveUnknown(
  sql: Sql,
  clock: Clock,
  { hook, from, to, reason }: { hook: HookPath; from: Date; to: Date; reason: string },
): Promise<string> {
  const id = idFor('unknown', hook, from.toISOString())
  await sql.query(
    `insert into signalbox.gaps (id, hook, began_at, ended_at, reason, found_at)
     values ($1, $2, $3, $4, $5, coalesce($6::timestamptz, now())) on conflict do nothing`,
    [id, storable(hook), from, to, reason, clock.sqlNow()],
  )
  return id
}
