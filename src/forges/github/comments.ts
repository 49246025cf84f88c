// Comments on issues, pull requests and commits: https://docs.github.com/en/rest/issues/comments
import type { WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'

const PAGE_SIZE = 100
const MAX_PAGES = 10

type Comment = { id: number; url: string; body: string }

/** See `WriteForge.comments`: the oldest 1,000. */
export function comments(
  { as }: GithubConnection,
  ...[repository, target]: Parameters<WriteForge['comments']>
): Promise<Comment[]> {
  return as(repository, async (octokit, at) => {
    const found: Comment[] = []
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const paging = { ...at, per_page: PAGE_SIZE, page }
      const { data } =
        'issue' in target
          ? await octokit.rest.issues.listComments({ ...paging, issue_number: target.issue })
          : await octokit.rest.repos.listCommentsForCommit({ ...paging, commit_sha: target.commit })
      found.push(...data.map(({ id, html_url: url, body }) => ({ id, url, body: body ?? '' })))
      if (data.length < PAGE_SIZE) break
    }
    return found
  })
}

/** See `WriteForge.createComment`. */
export function createComment(
  { as }: GithubConnection,
  ...[repository, target, body]: Parameters<WriteForge['createComment']>
): Promise<{ id: number; url: string }> {
  return as(repository, async (octokit, at) => {
    const { data } =
      'issue' in target
        ? await octokit.rest.issues.createComment({ ...at, issue_number: target.issue, body })
        : await octokit.rest.repos.createCommitComment({ ...at, commit_sha: target.commit, body })
    return { id: data.id, url: data.html_url }
  })
}
