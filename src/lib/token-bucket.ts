// A cap on how often something may happen.
import type { Clock } from './clock.ts'

/**
 * Allows `burst` at once and `perSecond` on average; `take` says whether one more may happen now.
 */
export function tokenBucket(clock: Clock, { burst, perSecond }: { burst: number; perSecond: number }) {
  let tokens = burst
  let at = clock.now().getTime()
  return {
    take(): boolean {
      const now = clock.now().getTime()
      tokens = Math.min(burst, tokens + ((now - at) / 1000) * perSecond)
      at = now
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}
