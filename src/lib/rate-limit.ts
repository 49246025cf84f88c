// A cap on how often something may happen.
import type { Clock } from './clock.ts'

/** Says whether, or when, one more may happen. */
export type RateLimit = {
  /** Counts one more and returns true, or returns false when it may not happen now. */
  take(): boolean
  /** How long it is until one more may happen, in whole milliseconds; 0 when it may now. */
  delayMs(): number
  /** Counts one more even if it may not happen yet, and returns how long it must wait. */
  reserve(): number
}

/** Numbers such as 1000 / 3 do not add up exactly. */
const ROUNDING = 1e-6

/**
 * Allows `burst` at once and then one every `everyMs`: the generic cell rate algorithm, which needs
 * no timer and no list. A clock that is set back does not lengthen a wait.
 */
export function rateLimit(clock: Pick<Clock, 'now'>, options: { burst: number; everyMs: number }): RateLimit {
  const { burst, everyMs } = options
  // How many of the burst are used up; they come back one every `everyMs`.
  let used = 0
  let at = clock.now().getTime()

  function delayMs(): number {
    const now = clock.now().getTime()
    used = Math.max(0, used - Math.max(0, now - at) / everyMs)
    at = now
    const missing = used + 1 - burst
    return missing <= ROUNDING ? 0 : Math.ceil((missing - ROUNDING) * everyMs)
  }

  function reserve(): number {
    const waitMs = delayMs()
    used += 1
    return waitMs
  }

  return {
    take() {
      if (delayMs() > 0) return false
      used += 1
      return true
    },
    delayMs,
    reserve,
  }
}
