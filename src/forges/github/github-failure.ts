// What GitHub's refusals mean for the work at hand.
import { RequestError } from 'octokit'
import { cut } from '../../lib/cut.ts'
import { AppError, errorText, RetryAt } from '../../lib/error.ts'

const DEFAULT_PAUSE_MS = 60_000
// Between two looks whether an outage is over.
const OUTAGE_PAUSE_MS = 20_000

/** The failure's HTTP status; null when no answer came at all. */
export function statusOf(error: unknown): number | null {
  return error instanceof RequestError && error.response !== undefined ? error.status : null
}

// https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
const TOKENS = /\b(?:gh[a-z]_|github_pat_)\w+/g

/**
 * GitHub's own text of a failure, or the network's, its validation errors included and without any
 * token; at most 500 characters.
 */
export function githubText(error: unknown): string {
  return cut(errorText(error).replace(TOKENS, '[redacted]'), 500)
}

/**
 * The failure of a request that could not be sent. Its message may quote the header with the
 * credential.
 */
export function unsent(error: unknown, headers: unknown): Error {
  const { authorization = '' } = headers as { authorization?: string }
  const credentials = [authorization, ...authorization.split(/\s+/).slice(1)].filter((one) => one !== '')
  // The message of `fetch` says only that it failed; its cause says why.
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return new Error(credentials.reduce((shown, one) => shown.replaceAll(one, '[redacted]'), errorText(reason)))
}

/**
 * Translates a failure of octokit. A rate limit, an outage and an answer that never came are
 * `RetryAt`: the job waits in the database, and uses up no attempt. A refusal is the AppError
 * `forge_failed` and says what is missing.
 */
export function githubFailure(error: unknown, now: () => number = Date.now): unknown {
  if (!(error instanceof RequestError)) return error
  const call = `${error.request.method} ${new URL(error.request.url).pathname}`
  const later = new Date(now() + OUTAGE_PAUSE_MS)
  if (error.response === undefined) return new RetryAt(later, `GitHub did not answer ${call}: ${githubText(error)}`)
  const when = rateLimitedUntil(error, now())
  if (when !== null) return new RetryAt(when, `GitHub's rate limit: ${githubText(error)}`)
  if (error.status >= 500) return new RetryAt(later, `GitHub answered ${error.status} to ${call}: ${githubText(error)}`)
  return new AppError('forge_failed', `${meaning(error)} (${call} returned ${error.status}: ${githubText(error)})`)
}

/** Whether GitHub refused only for now, because of too many requests. */
export function isRateLimit(error: unknown): boolean {
  return error instanceof RequestError && error.response !== undefined && rateLimitedUntil(error, 0) !== null
}

/** Whether GitHub refused for good, which a rate limit is not. */
export function isForbidden(error: unknown): boolean {
  return statusOf(error) === 403 && !isRateLimit(error)
}

function header(error: RequestError, name: string): string {
  return String(error.response?.headers[name] ?? '')
}

/**
 * https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately
 */
function rateLimitedUntil(error: RequestError, now: number): Date | null {
  if (error.status !== 403 && error.status !== 429) return null
  const seconds = Number.parseInt(header(error, 'retry-after'), 10)
  // At least a second, because a job that only waits uses up no attempt.
  if (seconds >= 0) return new Date(now + Math.max(1, seconds) * 1000)
  const reset = Number.parseInt(header(error, 'x-ratelimit-reset'), 10)
  // A second more, because the reset is given in whole seconds.
  if (header(error, 'x-ratelimit-remaining') === '0' && reset >= 0) return new Date(Math.max(now, reset * 1000) + 1000)
  const limited =
    error.status === 429 || /rate limit exceeded|secondary rate limit|abuse detection/i.test(error.message)
  return limited ? new Date(now + DEFAULT_PAUSE_MS) : null
}

function meaning(error: RequestError): string {
  if (error.status === 401) return 'GitHub does not accept the token: it is wrong, expired or revoked'
  if (error.status === 404) return 'GitHub does not have that, or does not show it to this token'
  if (error.status !== 403) return 'GitHub did not accept the request'
  // The answer names permissions to fine-grained tokens and Apps, scopes to classic tokens.
  const needed = header(error, 'x-accepted-github-permissions') || header(error, 'x-accepted-oauth-scopes')
  return needed === '' ? 'The token may not do that' : `The token may not do that: it needs ${needed}`
}
