// What follows from an attempt: done, again later, or never again (pure).
import type { Outcome } from '../queue/table.ts'
import type { SendResult } from './send.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
const SCHEDULE_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** How many attempts a delivery gets: the first, and one after each time of the schedule. */
export const MAX_ATTEMPTS = SCHEDULE_MS.length + 1

/**
 * How an attempt ends: any 2xx is success, 410 (the receiver wants no more) is failure for good,
 * everything else is repeated after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, each
 * up to a fifth later. `Retry-After` on 429 and 503 counts between once and twice that. `failures`
 * are those before this attempt. `isGone` is true after a 410.
 */
export function judge(
  result: SendResult,
  options: { failures: number; now: Date; random?: (() => number) | undefined },
): { outcome: Outcome; isGone: boolean } {
  const { statusCode } = result
  if (statusCode !== null && statusCode >= 200 && statusCode < 300) {
    return { outcome: { kind: 'completed', error: result.error }, isGone: false }
  }
  const error = statusCode === null ? nameOf(result) : `http_${statusCode}`
  if (statusCode === 410) return { outcome: { kind: 'failed', error }, isGone: true }
  const plainMs = SCHEDULE_MS[Math.min(options.failures, SCHEDULE_MS.length - 1)] ?? 24 * HOUR
  const askedMs = statusCode === 429 || statusCode === 503 ? retryAfterMs(result.retryAfter, options.now) : null
  const delayMs = Math.min(Math.max(askedMs ?? plainMs, plainMs), 2 * plainMs)
  // Jitter only adds: nobody is called earlier than they asked.
  const laterMs = Math.round(delayMs * (1 + (options.random ?? Math.random)() * 0.2))
  return { outcome: { kind: 'retried', error, delayMs: laterMs }, isGone: false }
}

/** `tls_error: certificate has expired`. */
function nameOf({ error, reason }: SendResult): string {
  const name = error ?? 'request_failed'
  return reason === null ? name : `${name}: ${reason}`
}

/**
 * `Retry-After` in milliseconds from `now`: seconds or an HTTP date (RFC 9110 §10.2.3); null when
 * it is neither.
 */
export function retryAfterMs(value: string | null, now: Date): number | null {
  if (value === null) return null
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * SECOND
  // Date.parse alone would take "1.5" for a day in January.
  const at = /[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? null : at - now.getTime()
}
