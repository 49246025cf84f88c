// Reviews of pull requests: https://docs.github.com/en/rest/pulls/reviews
import type { NewReview, Review, ReviewForge } from '../reviews.ts'
import type { GithubConnection } from './connection.ts'
import { statusOf } from './github-failure.ts'
import { waitIfInDoubt } from './in-doubt.ts'
import { firstPages, PAGE_SIZE } from './pages.ts'
import { toPullRequest } from './pull-requests.ts'

const MAX_PAGES = 10

type Answer = {
  id: number
  html_url: string
  body: string
  user: { login: string } | null
  state: string
  submitted_at?: string
  commit_id: string | null
}

/** See `ReviewForge`. */
export function reviews({
  withClient,
}: GithubConnection): Omit<ReviewForge, 'reviewThreads' | 'replyInThread' | 'resolveThread'> {
  return {
    pullRequest: (repository, number) =>
      withClient(repository, async (octokit, at) =>
        toPullRequest((await octokit.rest.pulls.get({ ...at, pull_number: number })).data),
      ),

    diff: (repository, base, head) =>
      withClient(repository, async (octokit, at) => {
        // Only the first page has files; its commits are not wanted.
        const { data } = await octokit.rest.repos.compareCommitsWithBasehead({
          ...at,
          basehead: `${base}...${head}`,
          per_page: 1,
        })
        return (data.files ?? []).map(({ filename, previous_filename: previousPath = null, sha, patch = null }) => ({
          path: filename,
          previousPath,
          blob: sha,
          patch,
        }))
      }),

    reviews: (repository, number) =>
      withClient(repository, async (octokit, at) => {
        const options = { ...at, pull_number: number, per_page: PAGE_SIZE }
        const pages = firstPages(MAX_PAGES, (data: Answer[]) => data.map(toReview))
        return octokit.paginate(octokit.rest.pulls.listReviews, options, pages)
      }),

    createReview: (repository, number, review) =>
      withClient(repository, async (octokit, at) => {
        try {
          const creating = octokit.rest.pulls.createReview({ ...at, pull_number: number, ...toRequest(review) })
          return toReview((await waitIfInDoubt('a new review', creating)).data)
        } catch (error) {
          if (statusOf(error) === 422 && isAboutPlaces(error)) return null
          throw error
        }
      }),

    requestReviewers: (repository, number, { reviewers, teamReviewers }) =>
      withClient(repository, async (octokit, at) => {
        await octokit.rest.pulls.requestReviewers({
          ...at,
          pull_number: number,
          reviewers: [...reviewers],
          team_reviewers: [...teamReviewers],
        })
      }),
  }
}

function toReview({ id, html_url: url, body, user, state, submitted_at: at, commit_id: commit }: Answer): Review {
  const submittedAt = at === undefined ? null : new Date(at)
  return { id, url, body, author: user?.login ?? null, state: state as Review['state'], submittedAt, commit }
}

function toRequest({ commit, event, body, comments }: NewReview) {
  return {
    commit_id: commit,
    event,
    body,
    comments: comments.map(({ path, body: text, line, side, startLine, startSide }) => ({
      path,
      body: text,
      line,
      side,
      ...(startLine === undefined ? {} : { start_line: startLine, start_side: startSide ?? side }),
    })),
  }
}

/**
 * Whether GitHub refused for a line, a path or the commit, and not for what is said in all, such as
 * the approval of one's own pull request. It names these in several ways.
 */
function isAboutPlaces(error: unknown): boolean {
  return /pull_request_review_thread|could not be resolved|part of the (?:diff|same hunk|pull request)|commit_?id/i.test(
    String(error),
  )
}
