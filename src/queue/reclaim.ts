// Reclaiming what lost workers left, with what follows from the end of their attempts.
import { isAway } from '../db/connection.ts'
import type { Log } from '../lib/log.ts'
import type { Queue } from './queue.ts'
import type { Hooks } from './settle.ts'
import { settleWithHook } from './settle.ts'
import type { Settled } from './table.ts'

type Reclaim<Row extends object, Detail> = Hooks<Row, Detail> & {
  log: Log
  queue: Queue<Row, Detail>
  leaseMs: number
  /** Rows that are left to their worker: this one, which is about to renew them. */
  except: readonly string[]
}

/**
 * Reclaims expired rows in one transaction. If the hook fails for one, that row is deferred by one
 * lease and the others go on.
 * @throws AppError `database_unavailable`
 * @throws Error when the rows could not be read.
 */
export async function reclaim<Row extends object, Detail>(options: Reclaim<Row, Detail>): Promise<void> {
  const { database, log, queue, leaseMs, except } = options
  let found: Settled<Row, Detail>[] = []
  const reclaimSome = async (limit?: number): Promise<void> => {
    await settleWithHook(options, async (sql) => {
      found = await queue.reclaimExpired(sql, { limit, except })
      return found
    })
    for (const { row, attempt, status } of found) log.warn({ id: row.id, attempt, status }, 'a worker was lost')
  }
  const reclaimOne = async (): Promise<void> => {
    found = []
    try {
      await reclaimSome(1)
    } catch (error) {
      const [lost] = found
      if (isAway(error) || lost === undefined) throw error
      log.error({ err: error, id: lost.row.id }, 'the end of a lost attempt could not be stored')
      await queue.deferReclaim(database, lost.row, leaseMs)
    }
  }
  try {
    await reclaimSome()
  } catch (error) {
    // With nothing found it was not the hook that failed.
    if (isAway(error) || found.length === 0) throw error
    for (let left = found.length; left > 0; left--) await reclaimOne()
  }
}
