// Endpoints that want the latest only: of the deliveries of a group that wait, the newest is
// sent in the place of all.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'

/** What a delivery that is about to be sent stands for. */
export type Supersession = {
  /** The newer delivery that is sent in its place; null when this one is the newest. */
  by: string | null
  /** The events of the deliveries it is sent in the place of, the oldest first. */
  events: string[]
}

/**
 * Skips the deliveries of a group that wait and are older than the newest of it, and says
 * whether the given one, which is running, is that.
 */
export async function supersede(
  sql: Sql,
  clock: Clock,
  { id, endpointId, groupKey }: { id: string; endpointId: string; groupKey: string },
): Promise<Supersession> {
  const { rows } = await sql.query<{ newest: string; events: string[] }>(
    `with open as (
       select id, event_id, created_at, status from signalbox.deliveries
       where endpoint_id = $1 and coalesce(group_key, '') = $2 and status = 'pending'
       union all
       select id, event_id, created_at, status from signalbox.deliveries where id = $3
     ), newest as (
       select id from open order by created_at desc, event_id desc limit 1
     ), skipped as (
       update signalbox.deliveries d
       set status = case when d.status = 'pending' then 'skipped' else d.status end, superseded_by = newest.id,
         error = case when d.status = 'pending' then 'Superseded by ' || newest.id || '.' else d.error end,
         finished_at = case when d.status = 'pending' then coalesce($4::timestamptz, now()) end
       from newest where d.id in (select id from open) and d.id <> newest.id
       returning d.id
     )
     select newest.id as newest, array(
       select event_id from signalbox.deliveries where superseded_by = newest.id and id not in (select id from skipped)
       union select event_id from open where id <> newest.id order by 1) as events
     from newest`,
    [endpointId, groupKey, id, clock.sqlNow()],
  )
  const [row] = rows
  return row === undefined || row.newest === id
    ? { by: null, events: row?.events ?? [] }
    : { by: row.newest, events: [] }
}
