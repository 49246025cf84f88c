// What the database takes on the disk.
import type { Sql } from '../db/database.ts'

/** What a group of tables takes, with its indexes and what is free in it. */
export type Size = { what: string; bytes: number }

// Pages of the table of events that are read to estimate how much bodies take.
const SAMPLED_PAGES = 2_000
/** Rows of a value that is stored out of line have headers, and do not fill every page. */
const OUT_OF_LINE = 1.1

/**
 * About how many bytes are in use. What was deleted leaves its place free for what comes, and files
 * do not become smaller: so bodies, which are most of it, are estimated from a part of the events,
 * and the rest counts as it is on the disk.
 */
export async function usedBytes(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ total: number; bodies: number; percent: number }>(
    `select pg_database_size(current_database())::float8 as total,
       coalesce(pg_relation_size(reltoastrelid), 0)::float8 as bodies,
       least(100, 100 * ${SAMPLED_PAGES} / greatest(1, pg_relation_size(oid) / current_setting('block_size')::int)::float8)
         as percent
     from pg_class where oid = 'signalbox.events'::regclass`,
  )
  const { total = 0, bodies = 0, percent = 100 } = rows[0] ?? {}
  const { rows: sampled } = await sql.query<{ bytes: number }>(
    `select coalesce(sum(coalesce(pg_column_size(body), 0) + coalesce(pg_column_size(packed), 0)), 0)::float8 as bytes
     from signalbox.events tablesample system ($1)`,
    [percent],
  )
  const live = (((sampled[0]?.bytes ?? 0) * 100) / percent) * OUT_OF_LINE
  return total - bodies + Math.min(bodies, live)
}

/** What the database takes on the disk, in bytes. */
export async function databaseBytes(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ bytes: number }>('select pg_database_size(current_database())::float8 as bytes')
  return rows[0]?.bytes ?? 0
}

const GROUPS = `case when name = 'events' then 'events' when name like 'job%' or name in ('outputs', 'writes') then 'jobs'
  when name like 'deliver%' then 'deliveries' when name like 'deployment%' then 'deployments' else 'other tables' end`

/** The same by what it is for, the largest first. */
export async function sizes(sql: Sql): Promise<Size[]> {
  const { rows } = await sql.query<Size>(
    `with tables as (
       select relname as name, oid, reltoastrelid as toast from pg_class
       where relnamespace = 'signalbox'::regnamespace and relkind = 'r'
     ), parts as (
       select 'bodies' as what, pg_total_relation_size(toast) as bytes from tables where name = 'events'
       union all
       select ${GROUPS}, pg_total_relation_size(oid) - case when name = 'events' then pg_total_relation_size(toast) else 0 end
       from tables
     )
     select what, sum(bytes)::float8 as bytes from parts group by what order by bytes desc`,
  )
  return rows
}
