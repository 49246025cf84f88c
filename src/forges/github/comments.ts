// Comments on issues, pull requests and commits: https://docs.github.com/en/rest/issues/comments
import type { Octokit } from 'octokit'
import type { CommentTarget, WriteForge } from '../forge.ts'
import type { Repository } from './clients.ts'
import type { GithubConnection } from './connection.ts'
import { firstPages, lastPage, PAGE_SIZE } from './pages.ts'

const MAX_PAGES = 10

type Answer = { id: number; html_url: string; body?: string | null }

/** See `WriteForge`. */
export function comments({ withClient }: GithubConnection): Pick<WriteForge, 'comments' | 'createComment'> {
  return {
    comments: (repository, target) =>
      withClient(repository, async (octokit, at) =>
        (await listComments(octokit, at, target)).map(({ id, html_url: url, body }) => ({ id, url, body: body ?? '' })),
      ),

    createComment: (repository, target, body) =>
      withClient(repository, async (octokit, at) => {
        const { data } =
          'issue' in target
            ? await octokit.rest.issues.createComment({ ...at, issue_number: target.issue, body })
            : await octokit.rest.repos.createCommitComment({ ...at, commit_sha: target.commit, body })
        return { id: data.id, url: data.html_url }
      }),
  }
}

/**
 * GitHub lists comments oldest first and in no other order, so the first page says where the newest
 * are.
 */
async function listComments(octokit: Octokit, at: Repository, target: CommentTarget): Promise<Answer[]> {
  const paging = { ...at, per_page: PAGE_SIZE }
  const first = await firstPage(octokit, paging, target)
  const last = lastPage(first.headers.link)
  if (last === 1) return first.data
  const rest = { ...paging, page: Math.max(2, last - MAX_PAGES + 2) }
  const items = firstPages(MAX_PAGES, (data: Answer[]) => data)
  const newest =
    'issue' in target
      ? await octokit.paginate(octokit.rest.issues.listComments, { ...rest, issue_number: target.issue }, items)
      : await octokit.paginate(octokit.rest.repos.listCommentsForCommit, { ...rest, commit_sha: target.commit }, items)
  return [...first.data, ...newest]
}

function firstPage(octokit: Octokit, paging: Repository & { per_page: number }, target: CommentTarget) {
  return 'issue' in target
    ? octokit.rest.issues.listComments({ ...paging, issue_number: target.issue })
    : octokit.rest.repos.listCommentsForCommit({ ...paging, commit_sha: target.commit })
}
