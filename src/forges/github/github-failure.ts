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
  if (isGraphqlError(error)) return graphqlFailure(error, now())
  if (!(error instanceof RequestError)) return error
  const call = `${error.request.method} ${new URL(error.request.url).pathname}`
  const later = new Date(now() + OUTAGE_PAUSE_MS)
  if (error.response === undefined) return new RetryAt(later, `GitHub did not answer ${call}: ${githubText(error)}`)
  const when = rateLimitedUntil(error, now())
  if (when !== null) return new RetryAt(when, limitText(error))
  if (error.status >= 500) return new RetryAt(later, `GitHub answered ${error.status} to ${call}: ${githubText(error)}`)
  return new AppError('forge_failed', `${meaning(error)} (${call} returned ${error.status}: ${githubText(error)})`)
}

/** What GraphQL refuses comes with the status 200, and with a type. */
function graphqlFailure(error: GraphqlError, now: number): unknown {
  if (!isRefusal(error))
    return new RetryAt(limitEnd(error.headers, now) ?? new Date(now + DEFAULT_PAUSE_MS), limitText(error))
  const types = error.errors.map(({ type }) => type)
  const why = types.includes('NOT_FOUND')
    ? 'GitHub does not have that, or does not show it to this token'
    : types.includes('FORBIDDEN') || types.includes('INSUFFICIENT_SCOPES')
      ? 'The token may not do that'
      : 'GitHub did not accept the request'
  return new AppError('forge_failed', `${why} (GraphQL: ${githubText(error)})`)
}

type GraphqlError = Error & { errors: { type?: string }[]; headers: Record<string, unknown> }

/** By its name, because octokit does not export its class. */
function isGraphqlError(error: unknown): error is GraphqlError {
  return error instanceof Error && error.name === 'GraphqlResponseError'
}

/** Whether GraphQL refused for good, which a rate limit is not. */
export function isRefusal(error: unknown): boolean {
  return isGraphqlError(error) && !error.errors.some(({ type }) => type === 'RATE_LIMITED')
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
  const end = limitEnd(error.response?.headers ?? {}, now)
  if (end !== null) return end
  const limited =
    error.status === 429 || /rate limit exceeded|secondary rate limit|abuse detection/i.test(error.message)
  return limited ? new Date(now + DEFAULT_PAUSE_MS) : null
}

/** When the hour is over of which nothing is left. */
function limitEnd(headers: Readonly<Record<string, unknown>>, now: number): Date | null {
  const reset = Number.parseInt(String(headers['x-ratelimit-reset'] ?? ''), 10)
  // A second more, because the reset is given in whole seconds.
  const isUsedUp = String(headers['x-ratelimit-remaining']) === '0' && reset >= 0
  return isUsedUp ? new Date(Math.max(now, reset * 1000) + 1000) : null
}

function limitText(error: unknown): string {
  return `GitHub's rate limit: ${githubText(error)}`
}

function meaning(error: RequestError): string {
  if (error.status === 401) return 'GitHub does not accept the token: it is wrong, expired or revoked'
  if (error.status === 404) return 'GitHub does not have that, or does not show it to this token'
  if (error.status !== 403) return 'GitHub did not accept the request'
  // The answer names permissions to fine-grained tokens and Apps, scopes to classic tokens.
  const needed = header(error, 'x-accepted-github-permissions') || header(error, 'x-accepted-oauth-scopes')
  return needed === '' ? 'The token may not do that' : `The token may not do that: it needs ${needed}`
}
