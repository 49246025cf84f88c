// What a try's error means for its job.
import { backoffMs } from '../lib/backoff.ts'
import { errorText, GiveUp, RetryAt } from '../lib/error.ts'
import type { Outcome } from '../queue/table.ts'

const BASE_MS = 1000
const MAX_MS = 10 * 60_000
/**
 * An agent that asks for a time that has passed, or is none, must not go round and round without a
 * pause.
 */
const MIN_DEFER_MS = 1000

/**
 * `GiveUp` fails the job, `RetryAt` defers it to the time it names without using up an attempt, and
 * anything else is tried again after 1 s, 2 s, 4 s … at most 10 minutes.
 */
export function outcomeOf(
  error: unknown,
  options: { attempt: number; now: Date; random?: (() => number) | undefined },
): Outcome {
  if (error instanceof GiveUp) return { kind: 'failed', error: errorText(error) }
  const { attempt, now, random = Math.random } = options
  if (error instanceof RetryAt) {
    // NaN for a date that is none.
    const askedMs = error.when.getTime() - now.getTime() || 0
    return { kind: 'deferred', error: errorText(error), delayMs: Math.max(askedMs, MIN_DEFER_MS) }
  }
  return {
    kind: 'retried',
    error: errorText(error),
    delayMs: backoffMs(attempt, { baseMs: BASE_MS, maxMs: MAX_MS, random }),
  }
}
