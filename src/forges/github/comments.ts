// Comments on issues, pull requests and commits. A pull request is commented on as the issue of its
// number, which GitHub makes it: https://docs.github.com/en/rest/issues/comments
import type { WriteForge } from '../forge.ts'
import { numberOf } from '../target.ts'
import type { GithubConnection } from './connection.ts'
import { statusOf } from './github-failure.ts'
import { waitIfInDoubt } from './in-doubt.ts'
import { beforeMargin, PAGE_SIZE } from './pages.ts'

type Answer = { id: number; html_url: string; body?: string | null; user: { login: string } | null }

/** See `WriteForge`. */
export function comments({
  withClient,
}: GithubConnection): Pick<WriteForge, 'comments' | 'createComment' | 'updateComment' | 'deleteComment'> {
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
        return found.map(({ id, html_url: url, body, user }) => ({
          id,
          url,
          body: body ?? '',
          author: user?.login ?? null,
        }))
      }),

    createComment: (repository, target, body) =>
      withClient(repository, async (octokit, at) => {
        const { data } = await waitIfInDoubt<{ data: Answer }>(
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
