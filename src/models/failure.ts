// What the failure of a model's call means for the job that asked.
import { cut } from '../lib/cut.ts'
import { errorText, GiveUp, RetryAt } from '../lib/error.ts'
import { AnswerTooLarge, isTooLarge } from './answer-limit.ts'
import type { ModelAnswer } from './request.ts'
import type { Target } from './target.ts'

const RATE_LIMIT_PAUSE_MS = 60_000
const MAX_MESSAGE_CHARS = 500

const NO_CREDIT = /insufficient_quota|credit balance|billing|exceeded your current quota/i
const TOO_LONG =
  /context_length_exceeded|prompt is too long|maximum context length|context window|context size|input is too long|too many tokens/i
const FILTERED = /content_filter|content_policy|content management policy|safety system/i

/** The provider is busy, broken or away: the same call may work soon. */
export class Overloaded extends Error {
  override name = 'Overloaded'
  /** What the provider asks for; null when it says nothing. */
  readonly retryAfterMs: number | null

  constructor(message: string, retryAfterMs: number | null) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

/** What is known of a call that failed: the parts of the AI SDK's `APICallError` that count. */
type Failed = {
  statusCode?: number | undefined
  responseHeaders?: Record<string, string> | undefined
  responseBody?: string | undefined
}

/**
 * The error to throw in place of `error`: `GiveUp` where another attempt would fail the same way,
 * `RetryAt` for a rate limit, `Overloaded` for what passes; anything else is a failed attempt.
 */
export function failureOf(error: unknown, { label, keyName }: Target, now: Date): Error {
  if (isTooLarge(error)) return new GiveUp(`${label}: ${new AnswerTooLarge().message}`)
  const { statusCode: status, responseHeaders = {}, responseBody = '' } = error as Failed
  const said = cut(errorText(error), MAX_MESSAGE_CHARS)
  const everything = `${said}\n${responseBody}`
  const afterMs = retryAfterMs(responseHeaders, now)
  if (status === undefined) return new Overloaded(`${label} cannot be reached: ${deepest(error)}`, null)
  if (status < 300) return new Error(`The answer of ${label} cannot be read: ${said}`)
  if (status >= 500 || status === 408 || status === 409) {
    return new Overloaded(`${label} answered ${status}: ${said}`, afterMs)
  }
  if (NO_CREDIT.test(everything)) return new GiveUp(`The account of ${label} has no credit left: ${said}`)
  if (status === 401 || status === 403) {
    const variable = keyName ?? 'SIGNALBOX_MODEL_KEY'
    return new GiveUp(`${label} refuses the key in ${variable} (${status}): ${said}. Set ${variable} to a valid one.`)
  }
  if (status === 429) {
    const when = new Date(now.getTime() + (afterMs ?? RATE_LIMIT_PAUSE_MS))
    return new RetryAt(when, `The rate limit of ${label} is reached: ${said}`)
  }
  if (status === 413 || TOO_LONG.test(everything)) {
    return new GiveUp(`The prompt is too long for ${label}: ${said}. Send less of it.`)
  }
  if (FILTERED.test(everything)) return filtered(label, said)
  return new GiveUp(`${label} refuses the request (${status}): ${said}`)
}

/**
 * Refuses an answer that is not whole.
 * @throws GiveUp when it was cut at its length, or a filter of its content ended it.
 */
export function requireWhole({ finish, model, outputTokens, text }: ModelAnswer): void {
  if (finish === 'content-filter') throw filtered(model, text.trim() === '' ? 'it gives no reason' : cut(text, 200))
  if (finish === 'length') {
    throw new GiveUp(
      `The answer of ${model} was cut off after ${outputTokens} tokens: allow more by maxTokens or the budget, or ask for less.`,
    )
  }
}

function filtered(label: string, said: string): GiveUp {
  return new GiveUp(`A content filter of ${label} ended the answer: ${said}`)
}

/** `fetch failed` says nothing; its cause does. */
function deepest(error: unknown): string {
  let at = error
  while (at instanceof Error && at.cause !== undefined) at = at.cause
  return cut(errorText(at), MAX_MESSAGE_CHARS)
}

/** Milliseconds until the provider wants the next request; null where it does not say. */
function retryAfterMs(headers: Record<string, string>, now: Date): number | null {
  const exact = Number(headers['retry-after-ms'])
  if (exact > 0) return exact
  const given = headers['retry-after']
  if (given === undefined) return null
  const ms = /^\d+(\.\d+)?$/.test(given) ? Number(given) * 1000 : Date.parse(given) - now.getTime()
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, 24 * 60 * 60 * 1000) : null
}
