// Repeats reads that GitHub fails to answer. octokit's own plugin for that asks the time of day
// how long a request must wait before it is sent: for as long as the clock was set back meanwhile.
import { setTimeout as wait } from 'node:timers/promises'
import type { Octokit } from 'octokit'
import { RequestError } from 'octokit'

type Options = RequestError['request']

/** A repetition would be answered the same, or a `RetryAt` says when to make it. */
const FINAL = new Set([400, 401, 403, 404, 409, 410, 422, 429, 451])
// https://github.com/orgs/community/discussions/24631
const GRAPHQL_FAILED = /something went wrong while executing your query/i
const PAUSE_MS = 200

/** Whether a request changes nothing: GraphQL sends everything by POST. */
export function isRead({ method, request }: Pick<Options, 'method' | 'request'>): boolean {
  return method === 'GET' || request?.isRead === true
}

/**
 * Has a client repeat each failed read up to `times`, after 200 ms, 800 ms, 1,800 ms … A write is
 * never repeated: its answer may be lost, and a second comment would be made.
 */
export function repeatReads(client: Octokit, times: number): void {
  client.hook.wrap('request', async (request, options) => {
    for (let failures = 1; ; failures += 1) {
      try {
        return answered(await request(options), options)
      } catch (error) {
        if (!isRead(options) || failures > times || !mayPass(error)) throw error
        await wait(PAUSE_MS * failures ** 2)
      }
    }
  })
}

/** Whether it was no answer, or one that may not come again. */
function mayPass(error: unknown): boolean {
  return error instanceof RequestError && !FINAL.has(error.status)
}

/** @throws RequestError when GraphQL reports a failure of the server, which it does with 200. */
function answered<Response extends { data: unknown }>(response: Response, options: Options): Response {
  const { errors } = (response.data ?? {}) as { errors?: { message: string }[] }
  const message = errors?.[0]?.message ?? ''
  if (!GRAPHQL_FAILED.test(message)) return response
  throw new RequestError(message, 500, { request: options })
}
