// Taking over what lost workers left.
import { isAway } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Hook } from './hook.ts'
import { withHook } from './hook.ts'
import { postpone, recover } from './settle.ts'
import type { QueueTable, Settled } from './table.ts'

type TakeOver = {
  database: Database
  clock: Clock
  log: Log
  table: QueueTable
  leaseMs: number
  onSettled?: Hook
}

/**
 * Takes over rows whose lease ran out, together if that goes. Otherwise what follows from the end
 * of one of them is at fault: that one is put off by a lease, and holds up nobody else.
 * @throws `database_unavailable`.
 */
export async function takeOver(options: TakeOver): Promise<void> {
  const { database, clock, log, table, leaseMs, onSettled } = options
  let found: Settled[] = []
  const take = async (limit?: number): Promise<void> => {
    await withHook(database, onSettled, async (sql) => {
      found = await recover(sql, table, clock, limit)
      return found
    })
    for (const row of found) log.warn({ ...row, table: table.rows }, 'a worker was lost')
  }
  const takeOne = async (): Promise<void> => {
    try {
      await take(1)
    } catch (error) {
      const [lost] = found
      if (isAway(error) || lost === undefined) throw error
      log.error({ err: error, id: lost.id, table: table.rows }, 'the end of a lost try could not be stored')
      await postpone(database, table, clock, lost, leaseMs)
    }
  }
  try {
    await take()
  } catch (error) {
    if (isAway(error)) throw error
    for (let left = found.length; left > 0; left--) await takeOne()
  }
}
