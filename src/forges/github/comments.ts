// Comments on issues, pull requests and commits. A pull request is commented on as the issue of its
// number, which GitHub makes it: https://docs.github.com/en/rest/issues/comments
import { RequestError } from 'octokit'
import { RetryAt } from '../../lib/error.ts'
import type { WriteForge } from '../forge.ts'
import { numberOf } from '../target.ts'
import type { GithubConnection } from './connection.ts'
import { githubText } from './github-failure.ts'
import { PAGE_SIZE } from './pages.ts'

type Answer = { id: number; html_url: string; body?: string | null }

// GitHub's clock may differ from the one that `since` was read from.
const CLOCK_MARGIN_MS = 60 * 60_000
// By then a request that was sent and not answered has been carried out, or never will be.
const IN_DOUBT_MS = 15_000

/** See `WriteForge`. */
export function comments({ withClient }: GithubConnection): Pick<WriteForge, 'comments' | 'createComment'> {
  return {
    comments: (repository, target, { since } = {}) =>
      withClient(repository, async (octokit, at) => {
        const paging = { ...at, per_page: PAGE_SIZE }
        // GitHub lists those of a commit from the first only.
        const found: Answer[] =
          'commit' in target
            ? await octokit.paginate(octokit.rest.repos.listCommentsForCommit, { ...paging, commit_sha: target.commit })
            : await octokit.paginate(octokit.rest.issues.listComments, {
                ...paging,
                issue_number: numberOf(target),
                ...(since === undefined ? {} : { since: beforeMargin(since) }),
              })
        return found.map(({ id, html_url: url, body }) => ({ id, url, body: body ?? '' }))
      }),

    createComment: (repository, target, body) =>
      withClient(repository, async (octokit, at) => {
        const { data } = await waitIfInDoubt<{ data: Answer }>(
          'commit' in target
            ? octokit.rest.repos.createCommitComment({ ...at, commit_sha: target.commit, body })
            : octokit.rest.issues.createComment({ ...at, issue_number: numberOf(target), body }),
        )
        return { id: data.id, url: data.html_url }
      }),
  }
}

function beforeMargin(since: Date): string {
  return new Date(since.getTime() - CLOCK_MARGIN_MS).toISOString()
}

/**
 * A request without an answer (or with a gateway's) may still be carried out: whoever looks for the
 * comment must not look before that.
 */
async function waitIfInDoubt<T>(creating: Promise<T>): Promise<T> {
  try {
    return await creating
  } catch (error) {
    if (!isInDoubt(error)) throw error
    throw new RetryAt(new Date(Date.now() + IN_DOUBT_MS), `GitHub did not answer a new comment: ${githubText(error)}`)
  }
}

function isInDoubt(error: unknown): boolean {
  if (!(error instanceof RequestError)) return false
  return error.response === undefined || error.status === 502 || error.status === 504
}
