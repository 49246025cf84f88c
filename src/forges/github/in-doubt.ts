// Requests that create something and got no answer.
import { RequestError } from 'octokit'
import { RetryAt } from '../../lib/error.ts'
import { githubText } from './github-failure.ts'

// By then a request that was sent and not answered has been carried out, or never will be.
const IN_DOUBT_MS = 15_000

/**
 * A request without an answer (or with a gateway's) may still be carried out: whoever looks for
 * what it creates must not look before that. `what` names it, as in "a new comment".
 */
export async function waitIfInDoubt<T>(what: string, creating: Promise<T>): Promise<T> {
  try {
    return await creating
  } catch (error) {
    if (!isInDoubt(error)) throw error
    throw new RetryAt(new Date(Date.now() + IN_DOUBT_MS), `GitHub did not answer ${what}: ${githubText(error)}`)
  }
}

function isInDoubt(error: unknown): boolean {
  if (!(error instanceof RequestError)) return false
  return error.response === undefined || error.status === 502 || error.status === 504
}
