// The rows of paused sources, marked in their tables so that claims do not meet them.
import { setTimeout as sleep } from 'node:timers/promises'
import { isAway } from '../db/connection.ts'
import type { Database, Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'

// Each batch is a transaction, so that nobody waits long for a row of it.
const BATCH = 5000
const LOOK_MS = 60_000
const LOCKED_PAUSE_MS = 20
/** How often rows that somebody else has locked are tried again: 20 s. */
const MAX_LOCKED = 1000

/** The tables whose rows are held. */
export const HELD_TABLES = [
  { rows: 'signalbox.jobs', waiting: `status in ('pending', 'waiting')` },
  { rows: 'signalbox.deliveries', waiting: `status = 'pending'` },
] as const

type HeldTable = (typeof HELD_TABLES)[number]

/**
 * Holds what belongs to paused sources, and releases what no longer does, whatever was done before.
 * What runs is held too: it goes on, and is not begun again. Rows that are locked are passed over
 * and tried again, so that this waits for nobody who may wait for it.
 * @throws AppError `database_unavailable` when some stayed locked.
 */
export async function holdRows(database: Database): Promise<void> {
  for (const table of HELD_TABLES) {
    for (let locked = 0; ; ) {
      const { changed, left } = await database.transaction((tx) => holdBatch(tx, table))
      if (left === 0) break
      if (changed > 0) continue
      if (++locked > MAX_LOCKED) {
        throw new AppError('database_unavailable', 'Some of its work is locked by another connection; pause it again.')
      }
      await sleep(LOCKED_PAUSE_MS)
    }
  }
}

/** Puts right from time to time what a process left that died while it paused or resumed. */
export function keepHeld(database: Database, { log, everyMs = LOOK_MS }: { log: Log; everyMs?: number }): Repeated {
  const look = async () => {
    for (const table of HELD_TABLES) if ((await wronglyMarked(database, table)).length > 0) return holdRows(database)
  }
  // Who cannot reach the database says so elsewhere.
  const lookIfThere = () => look().catch((error: unknown) => (isAway(error) ? undefined : Promise.reject(error)))
  return every(everyMs, lookIfThere, { log, name: 'pauses' })
}

async function holdBatch(tx: Sql, table: HeldTable): Promise<{ changed: number; left: number }> {
  // What is paused stays so until the batch is committed.
  await tx.query('lock table signalbox.pauses in share row exclusive mode')
  const { rows } = table
  const wrong = await wronglyMarked(tx, table)
  if (wrong.length === 0) return { changed: 0, left: 0 }
  const { rowCount } = await tx.query(
    `update ${rows} set held = not held
     where id = any(array(select id from ${rows} where id = any($1::uuid[]) order by id for no key update skip locked))
       and held is distinct from ${isPaused(rows)}`,
    [wrong],
  )
  return { changed: rowCount, left: wrong.length - (wrong.length < BATCH ? rowCount : 0) }
}

/** Rows that are held and should not be, or the other way round: so many as fit in a batch. */
export async function wronglyMarked(sql: Sql, { rows, waiting }: HeldTable): Promise<string[]> {
  const { rows: found } = await sql.query<{ id: string }>(
    `select id from ${rows} as r where ${waiting} and not held and ${IS_ANY_PAUSED} and ${isPaused('r')}
     union all
     select id from ${rows} as r where status = 'running' and not held and ${IS_ANY_PAUSED} and ${isPaused('r')}
     union all
     select id from ${rows} as r where held and not ${isPaused('r')}
     limit ${BATCH}`,
  )
  return found.map(({ id }) => id)
}

const SOURCES = `select name from signalbox.pauses where kind = 'source'`
const IS_ANY_PAUSED = `exists (${SOURCES})`

// By the event of each row: joined, all events would be read for each batch.
function isPaused(row: string): string {
  return `coalesce((select e.source from signalbox.events e where e.id = ${row}.event_id) = any(array(${SOURCES})), false)`
}

/** Why a pending row of a table that is called so does not begin; null: no pause holds it. */
export function pauseOf(row: string): string {
  return `(select case p.kind when 'everything' then 'Everything' else 'The source "' || p.name || '"' end
      || ' is paused: ' || p.reason
    from signalbox.pauses p
    where p.kind = 'everything'
      or ${row}.held and p.name = (select e.source from signalbox.events e where e.id = ${row}.event_id)
    order by p.kind limit 1)`
}
