// What follows from an attempt: done, again later, or never again (pure).
import type { Outcome } from '../queue/table.ts'
import type { SendResult } from './send.ts'
import { isQuickFailure } from './send.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * Seconds from one attempt to the next, where an endpoint has no schedule of its own.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
 */
const SCHEDULE: readonly number[] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600]

// A receiver that starts anew should not cost the next five minutes: once in the life of a
// delivery.
const QUICK_MS = 10 * SECOND
/** How long an endpoint is left alone by its own request, at most. */
const MAX_WAIT_MS = HOUR

/** How many attempts a delivery gets: the first, and one after each time of the schedule. */
export function maxAttempts(schedule: readonly number[] | null): number {
  return (schedule ?? SCHEDULE).length + 1
}

/** What an attempt came to. */
export type Verdict = {
  outcome: Outcome
  /** What that says of the endpoint; nothing when the fault is our own or our network's. */
  kind: 'success' | 'failure' | 'neither'
  /** The endpoint asked to be left alone for so long. */
  waitMs?: number
  /** The endpoint wants no more: why. */
  goodbye?: string
}

/** What is known of a delivery besides the attempt's result. */
export type Judging = {
  /** Failed attempts before this one, and how often it was put off. */
  failures: number
  deferrals: number
  /** Seconds from one attempt to the next; null is `SCHEDULE`. */
  schedule?: readonly number[] | null | undefined
  now: Date
  random?: (() => number) | undefined
}

/**
 * How an attempt ends. A 2xx whose answer arrived whole, or as far as it is kept, is success.
 * After 410, and with `webhook-delivery: disable`, the endpoint wants no more;
 * `webhook-delivery: abort-message` ends this delivery alone. Everything else is repeated by
 * the schedule, each time up to a fifth later; `Retry-After` on 429 and 503 counts between once
 * and twice that. Where the connection was refused or broke off within a second, one more
 * attempt follows after ten seconds.
 */
export function judge(result: SendResult, judging: Judging): Verdict {
  const { statusCode } = result
  const control = result.deliveryControl
  const isWhole = result.error === null
  if (statusCode !== null && statusCode >= 200 && statusCode < 300 && isWhole) {
    const completed: Verdict = { outcome: { kind: 'completed' }, kind: 'success' }
    return control === 'disable' ? { ...completed, goodbye: `It answered "webhook-delivery: disable".` } : completed
  }
  const error = statusCode === null || !isWhole ? nameOf(result) : `http_${statusCode}`
  const failed = { outcome: { kind: 'failed', error }, kind: 'failure' } as const
  if (statusCode === 410) return { ...failed, goodbye: 'It answered 410 Gone.' }
  // What a chat or a mail server refuses, it says in its own words.
  const isRefused = result.reason !== null && !isWhole
  if (control === 'disable') {
    const answer = isRefused ? result.reason : 'webhook-delivery: disable'
    return { ...failed, goodbye: `It answered "${answer}".` }
  }
  if (control === 'abort-message') {
    const aborted = isRefused ? error : `${error}: aborted by the receiver`
    return { outcome: { kind: 'failed', error: aborted }, kind: 'neither' }
  }
  return again(result, error, judging)
}

function again(result: SendResult, error: string, judging: Judging): Verdict {
  const { failures, deferrals, now, random = Math.random } = judging
  const { statusCode } = result
  // Jitter only adds: nobody is called earlier than they asked.
  const later = (ms: number) => Math.round(ms * (1 + random() * 0.2))
  const isOurs = result.error === 'cancelled' || result.error === 'not_configured'
  const kind = statusCode === 429 || isOurs ? 'neither' : 'failure'
  const schedule = judging.schedule ?? SCHEDULE
  const plainMs = (schedule[Math.min(failures, schedule.length - 1)] ?? 0) * SECOND
  if (isQuickFailure(result) && failures > 0 && deferrals === 0 && failures < schedule.length && plainMs > QUICK_MS) {
    return { outcome: { kind: 'deferred', error, delayMs: later(QUICK_MS) }, kind }
  }
  // Without a status it is the forge that asks.
  const mayAsk = statusCode === 429 || statusCode === 503 || statusCode === null
  const asked = mayAsk ? retryAfterMs(result.retryAfter, now) : null
  const delayMs = Math.min(Math.max(asked ?? plainMs, plainMs), 2 * plainMs)
  const verdict: Verdict = { outcome: { kind: 'retried', error, delayMs: later(delayMs) }, kind }
  return asked === null || asked <= 0 ? verdict : { ...verdict, waitMs: Math.min(asked, MAX_WAIT_MS) }
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
