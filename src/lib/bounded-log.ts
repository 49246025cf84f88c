// Lines that anybody can cause: so many at most, with the number of those that were left out.
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { rateLimit } from './rate-limit.ts'

/** How many lines are written, and when it is said how many were left out at the latest. */
export type BoundedLogOptions = {
  clock: Pick<Clock, 'now'>
  burst: number
  everyMs: number
  /** Default a minute. */
  reportMs?: number
  /** Runs something later. */
  later?: (run: () => void, ms: number) => void
}

const REPORT_MS = 60_000

function unreferenced(run: () => void, ms: number): void {
  setTimeout(run, ms).unref()
}

/**
 * Writes warnings, `burst` at once and then one every `everyMs`. What is left out is at DEBUG; the
 * next line says how many there were, or a line of its own after a minute without one.
 */
export function boundedLog(log: Log, options: BoundedLogOptions): (about: object, sentence: string) => void {
  const { clock, reportMs = REPORT_MS, later = unreferenced } = options
  const lines = rateLimit(clock, options)
  let leftOut = 0
  let isAwaited = false
  let last = ''

  function report(): void {
    isAwaited = false
    if (leftOut > 0) log.warn({ about: { left_out: leftOut } }, `${leftOut} more were not logged, the last: ${last}`)
    leftOut = 0
  }

  return (about, sentence) => {
    if (lines.take()) {
      const more = leftOut === 0 ? '' : ` (${leftOut} before it were not logged)`
      log.warn({ about: leftOut === 0 ? about : { ...about, left_out: leftOut } }, sentence + more)
      leftOut = 0
      return
    }
    log.debug({ about }, sentence)
    leftOut++
    last = sentence
    if (isAwaited) return
    isAwaited = true
    later(report, reportMs)
  }
}
