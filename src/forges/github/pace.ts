// Keeps our writes within what GitHub asks for, so that its secondary rate limit is not provoked.
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../lib/clock.ts'
import { systemClock } from '../../lib/clock.ts'
import { RetryAt } from '../../lib/error.ts'
import { rateLimit } from '../../lib/rate-limit.ts'

const LONGEST_WAIT_MS = 10_000

/** Resolves when a write may be made; rejects with the signal's reason when that is aborted. */
type Gate = (signal?: AbortSignal) => Promise<void>

/**
 * A gate to pass before each write: `burst` at once, then one every `everyMs`. A wait of more than
 * ten seconds is thrown as `RetryAt` instead, so that a job waits in the database, not in a slot.
 * GitHub asks for one write a second over time and allows 80 a minute:
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function pace(options: { burst: number; everyMs: number; clock?: Pick<Clock, 'now'> }): Gate {
  const { clock = systemClock } = options
  const limit = rateLimit(clock, options)
  return async (signal) => {
    const waitMs = limit.delayMs()
    if (waitMs > LONGEST_WAIT_MS) {
      const when = new Date(clock.now().getTime() + waitMs)
      throw new RetryAt(when, 'Many writes to GitHub are waiting already.')
    }
    limit.reserve()
    if (waitMs === 0) return
    // The signal's own reason, and not that a wait was aborted.
    await wait(waitMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
  }
}
