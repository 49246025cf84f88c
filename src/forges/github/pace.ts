// Keeps our writes within what GitHub asks for, so that its secondary rate limit is not provoked.
import { setTimeout as wait } from 'node:timers/promises'
import { RetryAt } from '../../lib/error.ts'

const LONGEST_WAIT_MS = 10_000

/**
 * A gate to pass before each write: `burst` at once, then one every `everyMs` (a generic cell rate
 * algorithm). A wait of more than ten seconds is thrown as `RetryAt` instead, so that a job waits
 * in the database and holds no slot. GitHub asks for one write a second over time and allows 80 a
 * minute: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function pace(options: { burst: number; everyMs: number; now?: () => number }): () => Promise<void> {
  const now = options.now ?? Date.now
  let paidUntil = 0
  return async () => {
    const at = now()
    const next = Math.max(paidUntil, at) + options.everyMs
    const waitMs = next - at - options.burst * options.everyMs
    if (waitMs > LONGEST_WAIT_MS)
      throw new RetryAt(new Date(at + waitMs), 'many writes to GitHub are already under way')
    paidUntil = next
    if (waitMs > 0) await wait(waitMs)
  }
}
