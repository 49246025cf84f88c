// Where the first live entries of the queue's indexes are, so that statements begin there.
import type { Sql } from '../db/database.ts'
import type { Stopwatch } from '../lib/stopwatch.ts'
import { startStopwatch } from '../lib/stopwatch.ts'
import { firstByPartition } from './claim-by-partition.ts'
import { WAITING } from './settle.ts'
import type { QueueOptions, QueueTable } from './table.ts'

/**
 * How old an answer may be. What becomes claimable before the first live entry is found after this
 * time at the latest: what others than this queue put back, what was given a higher priority, what
 * was committed long after it was due, or everything new when the database's clock was set back.
 */
const VALID_MS = 1000
/**
 * Older, where many dead entries make asking slow, as the last two answers were: it takes a
 * twentieth of the time.
 */
const TIMES_ITS_COST = 20
const MAX_VALID_MS = 60_000
/** What is due, or has expired, for less than this is always looked at. */
const ALWAYS_MS = 5_000

/** Knows the first live entries, and asks for them when that was too long ago. */
export type FirstLive = {
  /**
   * Moments before which there is no row, as parameters of a statement: one that may be claimed (of
   * a table without partitions one for each priority), and one that runs.
   */
  read(sql: Sql): Promise<unknown[]>
  /** How long the last answer is good for; null when the next read asks again. */
  validMs(): number | null
  /** Asks again the next time: a row may have come before them. */
  forget(): void
}

/**
 * The first live entries of one table. The rows that were claimed and ended leave dead entries
 * before them, which no vacuum removes as long as a transaction is open anywhere that began
 * earlier, and every scan of the index would pass them again. Held rows count as live, because many
 * of them are released at once, and the last to come must not be the first to run.
 */
export function firstLiveOn({ table, clock }: QueueOptions): FirstLive {
  let known: { first: FirstMoments; at: Stopwatch; goodForMs: number } | undefined
  let lastCostMs = 0
  const text = statement(table)
  const validMs = () => {
    const leftMs = known === undefined ? 0 : known.goodForMs - known.at.elapsedMs()
    return leftMs > 0 ? leftMs : null
  }
  return {
    async read(sql) {
      if (known === undefined || validMs() === null) {
        const at = startStopwatch(clock)
        const { rows } = await sql.query<FirstMoments>(text, [clock.sqlNow()], `first live ${table.rows}`)
        const [first] = rows
        if (first === undefined) throw new Error(`No answer: first live ${table.rows}`)
        const costMs = at.elapsedMs()
        const wantedMs = Math.min(costMs, lastCostMs) * TIMES_ITS_COST
        lastCostMs = costMs
        known = { first, at, goodForMs: Math.min(MAX_VALID_MS, Math.max(VALID_MS, wantedMs)) }
      }
      return [known.first.claimable, known.first.running]
    },
    validMs,
    forget() {
      known = undefined
    },
  }
}

/** As text: a `Date` has no microseconds. */
type FirstMoments = { claimable: string | readonly string[]; running: string }

function statement({ rows, partitions }: QueueTable): string {
  const first = (where: string) => `(select available_at from ${rows} where ${where} order by available_at limit 1)`
  const held = first(`held and status in ${WAITING}`)
  const claimable = `array(
    select least(at, ${held}, ${first(`status in ${WAITING} and not held and priority = level`)})
    from generate_series(1, 10) as level order by level)::text[]`
  return `
with ${partitions ? `recursive ${firstByPartition(rows, partitions)}, ` : ''}moment as (
  select coalesce($1::timestamptz, now()) - interval '${ALWAYS_MS} ms' as at
)
select ${partitions ? `least(at, ${held}, (select min(first_at) from waiting))::text` : claimable} as claimable,
  least(at, ${first(`status = 'running'`)})::text as running
from moment`
}
