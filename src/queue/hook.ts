// What follows from the end of tries, committed with it.
import type { Database, Sql } from '../db/database.ts'
import type { Settled } from './table.ts'

/** Runs in the transaction that ends tries. */
export type Hook = (tx: Sql, settled: Settled[]) => Promise<void>

/**
 * Ends tries by `run` and lets the hook do its part, all of it or nothing. Without a hook `run` is
 * its own transaction.
 */
export function withHook(
  database: Database,
  hook: Hook | undefined,
  run: (sql: Sql) => Promise<Settled[]>,
): Promise<Settled[]> {
  if (!hook) return run(database)
  return database.transaction(async (tx) => {
    const settled = await run(tx)
    if (settled.length > 0) await hook(tx, settled)
    return settled
  })
}
