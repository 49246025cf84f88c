// Events whose body and payload were deleted because they were old: nothing can be made of them.
// Deleting these and beginning work again that needs them wait for each other.
import { AppError } from '../lib/error.ts'
import type { Sql } from './database.ts'

// The parts 0 and 1 of the same key are the routing's and those of a pause of everything.
const LOCK = '1463897429, 2'

/**
 * Keeps whatever is stored from being deleted until the transaction ends, for work that is begun
 * again. It goes before the transaction's other statements: they see what was deleted until then,
 * and no row is locked yet that is being deleted.
 */
export async function keepPayloads(tx: Sql): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock_shared(${LOCK})`)
}

/**
 * Keeps work from being begun again until the transaction ends: its later statements see all that
 * was, and may delete what none of it needs.
 */
export async function keepWorkEnded(tx: Sql): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(${LOCK})`)
}

/**
 * Makes sure that what these events said is still there.
 * @throws AppError `payload_pruned` naming the first whose body and payload were deleted.
 */
export async function requirePayloads(sql: Sql, ids: readonly string[]): Promise<void> {
  const { rows } = await sql.query<{ id: string; at: Date }>(
    `select id, body_pruned_at as at from signalbox.events
     where id = any($1::uuid[]) and body_pruned_at is not null order by id limit 1`,
    [ids],
  )
  const [pruned] = rows
  if (pruned !== undefined) throw payloadPruned(pruned.id, pruned.at)
}

/** The error for an event whose body and payload were deleted. */
export function payloadPruned(id: string, at: Date | string): AppError {
  const day = new Date(at).toISOString().slice(0, 10)
  return new AppError('payload_pruned', `What event ${id} said was deleted on ${day}, because it was old.`)
}
