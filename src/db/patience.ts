// Waiting for a database that is away, as long as whoever asked waits for an answer.
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../lib/backoff.ts'
import { isAway } from './connection.ts'

/**
 * How long a request waits for the database. GitHub gives up after ten seconds, and never sends a
 * webhook again by itself.
 */
export const PATIENCE_MS = 9_000

/** What a statement may take that is tried again within this time. */
export const PATIENT_ANSWER_MS = 5_000

/** The pause after so many failures in a row. */
export function pauseMs(failures: number): number {
  return backoffMs(failures, { baseMs: 50, maxMs: 500 })
}

/**
 * Runs what can be repeated until the database is back, for `patienceMs` at most. `run` gets the
 * number of its run: it may have been committed before.
 */
export async function patiently<T>(run: (nth: number) => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const until = performance.now() + patienceMs
  for (let nth = 1; ; nth++) {
    try {
      return await run(nth)
    } catch (error) {
      const pause = pauseMs(nth)
      if (!isAway(error) || performance.now() + pause > until) throw error
      await sleep(pause)
    }
  }
}
