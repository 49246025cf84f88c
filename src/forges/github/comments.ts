// Comments on issues, pull requests and commits. A pull request is commented on as the issue of its
// number, which GitHub makes it: https://docs.github.com/en/rest/issues/comments
import type { Comment, WriteForge } from '../forge.ts'
import { numberOf } from '../target.ts'
import type { GithubConnection } from './connection.ts'
import { statusOf } from './github-failure.ts'
import { waitIfInDoubt } from './in-doubt.ts'
import { beforeMargin, firstPages, PAGE_SIZE } from './pages.ts'

// GitHub takes no more than 2,500 comments on an issue.
const MAX_PAGES = 30

type Answer = {
  id: number
  html_url: string
  body?: string | null
  user: { login: string } | null
  author_association?: string
  created_at: string
  updated_at: string
}

/** See `WriteForge`. */
export function comments({
  withClient,
}: GithubConnection): Pick<WriteForge, 'comments' | 'createComment' | 'updateComment' | 'deleteComment'> {
  return {
    comments: (repository, target, { since } = {}) =>
      withClient(repository, async (octokit, at) => {
        const paging = { ...at, per_page: PAGE_SIZE }
        // GitHub lists those of a commit from the first only.
        const pages = firstPages(MAX_PAGES, (data: Answer[]) => data.map(toComment))
        if ('commit' in target) {
          const options = { ...paging, commit_sha: target.commit }
          return octokit.paginate(octokit.rest.repos.listCommentsForCommit, options, pages)
        }
        const from = since === undefined ? {} : { since: beforeMargin(since) }
        const options = { ...paging, issue_number: numberOf(target), ...from }
        return octokit.paginate(octokit.rest.issues.listComments, options, pages)
      }),

    createComment: (repository, target, body) =>
      withClient(repository, async (octokit, at) => {
        const { data } = await waitIfInDoubt<{ data: Pick<Answer, 'id' | 'html_url'> }>(
          'a new comment',
          'commit' in target
            ? octokit.rest.repos.createCommitComment({ ...at, commit_sha: target.commit, body })
            : octokit.rest.issues.createComment({ ...at, issue_number: numberOf(target), body }),
        )
        return { id: data.id, url: data.html_url }
      }),

    updateComment: (repository, target, id, body) =>
      withClient(repository, async (octokit, at) => {
        const comment = { ...at, comment_id: id, body }
        if ('commit' in target) await octokit.rest.repos.updateCommitComment(comment)
        else await octokit.rest.issues.updateComment(comment)
      }),

    deleteComment: (repository, target, id) =>
      withClient(repository, async (octokit, at) => {
        const comment = { ...at, comment_id: id }
        try {
          if ('commit' in target) await octokit.rest.repos.deleteCommitComment(comment)
          else await octokit.rest.issues.deleteComment(comment)
        } catch (error) {
          if (statusOf(error) !== 404) throw error
        }
      }),
  }
}

function toComment(answer: Answer): Comment {
  return {
    id: answer.id,
    url: answer.html_url,
    body: answer.body ?? '',
    author: answer.user?.login ?? null,
    authorAssociation: answer.author_association ?? 'NONE',
    createdAt: new Date(answer.created_at),
    updatedAt: new Date(answer.updated_at),
  }
}
