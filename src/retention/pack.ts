// Compresses the bodies that are an hour old, where the server stores new ones as they come.
import type { Sql } from '../db/database.ts'
import type { Place } from './places.ts'
import { keepingPlace, placeOf } from './places.ts'
import { PACK } from './steps.ts'
import type { Walked, WalkOptions } from './walk.ts'
import { walk } from './walk.ts'

/** Younger ones are read by their jobs and deliveries. */
const PACKED_AFTER_MINUTES = 60

/**
 * Whether new bodies are stored as they come: the server has no lz4. `pglz` at once would cost
 * recording twice the processor time.
 */
export async function needsPacking(sql: Sql): Promise<boolean> {
  const { rows } = await sql.query<{ storage: string }>(
    `select attstorage::text as storage from pg_attribute
     where attrelid = 'signalbox.events'::regclass and attname = 'body'`,
  )
  return rows[0]?.storage === 'e'
}

/** Packs what is old enough. What it returns as bytes is what was taken before. */
export async function pack(options: Omit<WalkOptions, 'needed'>): Promise<Walked> {
  const { rows } = await options.database.query<{ before: string }>(
    `select (coalesce($1::timestamptz, now()) - $2 * interval '1 minute')::text as before`,
    [options.at, PACKED_AFTER_MINUTES],
  )
  const from: Place = await placeOf(options.database, 'packed')
  const range = { before: rows[0]?.before ?? '-infinity', from }
  return walk(PACK, range, { ...options, needed: [] }, keepingPlace('packed'))
}
