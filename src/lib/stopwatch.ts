// How long ago something was, where too short an answer would do harm.
import { uptime } from 'node:os'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'

/** The system rounds its uptime to hundredths of a second. */
const UPTIME_ROUNDING_MS = 20

/** A running stopwatch. */
export type Stopwatch = {
  /** By `performance.now()`. */
  readonly startedAt: number
  elapsedMs(): number
}

/**
 * Starts a stopwatch that shows what the clock says that has gone furthest: the monotonic one stops
 * while a machine sleeps, the uptime counts that, and the time of day is put right after a virtual
 * machine was paused. One that was set forward makes it show too much, which costs a question.
 */
export function startStopwatch(clock: Pick<Clock, 'now'> = systemClock): Stopwatch {
  const startedAt = performance.now()
  const uptimeMs = uptime() * 1000
  const dayMs = clock.now().getTime()
  return {
    startedAt,
    elapsedMs: () =>
      Math.max(
        performance.now() - startedAt,
        uptime() * 1000 - uptimeMs - UPTIME_ROUNDING_MS,
        clock.now().getTime() - dayMs,
      ),
  }
}
