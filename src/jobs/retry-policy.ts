// What an attempt's error means for its job, and for whoever reads the job's log.
import { backoffMs } from '../lib/backoff.ts'
import { AppError, errorText, GiveUp, RetryAt, Skipped, Waiting } from '../lib/error.ts'
import type { Outcome } from '../queue/table.ts'
import type { Redactor } from '../untrusted/redact.ts'

const BASE_MS = 1000
const MAX_MS = 10 * 60_000
/**
 * An agent that asks for a time that has passed, or is invalid, must not be repeated without a
 * pause.
 */
const MIN_DEFER_MS = 1000

/**
 * Whether an error says that the job waits: an agent may have wrapped it, or waited for several
 * things at once.
 */
export function isWaiting(error: unknown, depth = 0): boolean {
  if (error instanceof Waiting) return true
  if (!(error instanceof Error) || depth > 10) return false
  const inner = error instanceof AggregateError ? error.errors : []
  return [error.cause, ...inner].some((each) => isWaiting(each, depth + 1))
}

/**
 * `Skipped` cancels the job, `GiveUp` fails it, `RetryAt` defers it to the time it names, which is
 * no failure, and anything else is repeated after 1 s, 2 s, 4 s … at most 10 minutes. `failures`
 * are those before this one.
 */
export function outcomeOf(
  error: unknown,
  options: { failures: number; now: Date; random?: (() => number) | undefined },
): Outcome {
  if (error instanceof Skipped) return { kind: 'cancelled', error: errorText(error) }
  if (error instanceof GiveUp) return { kind: 'failed', error: errorText(error) }
  const { failures, now, random = Math.random } = options
  if (error instanceof RetryAt) {
    // NaN for an invalid date.
    const askedMs = error.when.getTime() - now.getTime() || 0
    return { kind: 'deferred', error: errorText(error), delayMs: Math.max(askedMs, MIN_DEFER_MS) }
  }
  return {
    kind: 'retried',
    error: errorText(error),
    delayMs: backoffMs(failures + 1, { baseMs: BASE_MS, maxMs: MAX_MS, random }),
  }
}

/**
 * The stack of what an agent threw, with its causes, for whoever mends it; an expected error is
 * its message.
 */
export function stackOf(error: unknown): string {
  const isExpected = error instanceof AppError || error instanceof GiveUp || error instanceof RetryAt
  if (isExpected || !(error instanceof Error)) return errorText(error)
  const stack = error.stack ?? errorText(error)
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackOf(error.cause)}`
}

/** The same outcome, without the secrets that its error may quote. */
export function withoutSecrets(outcome: Outcome, secrets: Redactor): Outcome {
  return 'error' in outcome && outcome.error ? { ...outcome, error: secrets.text(outcome.error) } : outcome
}
