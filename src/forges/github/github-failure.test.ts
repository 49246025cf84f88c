import { RequestError } from 'octokit'
import { expect, test } from 'vitest'
import { AppError, RetryAt } from '../../lib/error.ts'
import { githubFailure, githubText, statusOf } from './github-failure.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

/** What octokit throws for an answer; without a status, for no answer at all. */
function requestError(status?: number, headers: Record<string, string> = {}, message = 'Not good') {
  const request = { method: 'POST' as const, url: 'https://api.github.com/repos/acme/shop/pulls?page=2', headers: {} }
  if (status === undefined) return new RequestError(message, 500, { request })
  return new RequestError(message, status, {
    request,
    response: { status, url: request.url, headers, data: {} },
  })
}

function failureOf(...given: Parameters<typeof requestError>) {
  return githubFailure(requestError(...given), () => NOW)
}

/** What octokit throws for the errors in an answer of GraphQL. */
function graphqlError(type: string, headers: Record<string, string> = {}) {
  const errors = [{ type, message: 'No token ghp_0123456789 may' }]
  return Object.assign(new Error('No token ghp_0123456789 may'), { name: 'GraphqlResponseError', errors, headers })
}

test('what GraphQL refuses is a refusal, and its rate limit lasts as long as it says', () => {
  const refused = githubFailure(graphqlError('FORBIDDEN'), () => NOW)
  expect(refused).toMatchObject({
    code: 'forge_failed',
    detail: 'The token may not do that (GraphQL: No token [redacted] may)',
  })
  const reset = String(NOW / 1000 + 90)
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }
  const limited = githubFailure(graphqlError('RATE_LIMITED', headers), () => NOW)
  expect(limited).toBeInstanceOf(RetryAt)
  expect(limited).toMatchObject({ when: new Date(NOW + 91_000) })
  expect(githubFailure(graphqlError('RATE_LIMITED'), () => NOW)).toMatchObject({ when: new Date(NOW + 60_000) })
})

test('what does not come from GitHub stays as it is', () => {
  const bug = new TypeError('a bug')
  expect(githubFailure(bug)).toBe(bug)
  expect(statusOf(bug)).toBeNull()
})

test.each([
  [401, 'GitHub does not accept the token: it is wrong, expired or revoked'],
  [404, 'GitHub does not have that, or does not show it to this token'],
  [403, 'The token may not do that'],
  [409, 'GitHub did not accept the request'],
  [422, 'GitHub did not accept the request'],
])('a %s says what it means and which call it was, without the query', (status, meaning) => {
  expect(failureOf(status)).toMatchObject({
    code: 'forge_failed',
    detail: `${meaning} (POST /repos/acme/shop/pulls returned ${status}: Not good)`,
  })
})

test('an outage and a missing answer put the job off, and use up no attempt', () => {
  for (const status of [500, 502, 503]) {
    const error = failureOf(status) as Error
    expect(error).toBeInstanceOf(RetryAt)
    expect((error as RetryAt).when.getTime()).toBe(NOW + 20_000)
    expect(error.message).toBe(`GitHub answered ${status} to POST /repos/acme/shop/pulls: Not good`)
  }
  expect(statusOf(requestError())).toBeNull()
  expect((failureOf() as Error).message).toBe('GitHub did not answer POST /repos/acme/shop/pulls: Not good')
})

const RESET = String(NOW / 1000 + 120)

test.each<[string, number, Record<string, string>, string, number]>([
  ['the seconds to wait', 403, { 'retry-after': '30' }, '', 30_000],
  ['the seconds to wait, with 429', 429, { 'retry-after': '5' }, '', 5_000],
  ['no seconds to wait', 429, { 'retry-after': '0' }, '', 1_000],
  ['when the limit is reset', 403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': RESET }, '', 121_000],
  ['a reset that has passed', 403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' }, '', 1_000],
  ['nothing', 429, {}, '', 60_000],
  ['its second limit, in words', 403, {}, 'You have exceeded a secondary rate limit', 60_000],
  ['its abuse detection, in words', 403, {}, 'You have triggered an abuse detection mechanism', 60_000],
  ['a time in words', 429, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, '', 60_000],
])('a rate limit that names %s', (_, status, headers, message, waitMs) => {
  const error = failureOf(status, headers, message)
  expect(error).toBeInstanceOf(RetryAt)
  expect((error as RetryAt).when).toEqual(new Date(NOW + waitMs))
})

test('a refusal with calls left is no rate limit', () => {
  expect(failureOf(403, { 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': RESET })).toBeInstanceOf(AppError)
  expect(failureOf(422, { 'retry-after': '30' })).toBeInstanceOf(AppError)
})

test("GitHub's text is cut", () => {
  expect(githubText(requestError(422, {}, 'x'.repeat(1000)))).toHaveLength(500)
})
