// What a forge does with reviews of pull requests.
import type { PullRequest } from './forge.ts'

/** The old version of a file, or the new one. */
export type Side = 'LEFT' | 'RIGHT'

/** A comment on a line of a diff, or on the lines from `startLine` to it. */
export type LineComment = {
  path: string
  body: string
  line: number
  side: Side
  startLine?: number | undefined
  startSide?: Side | undefined
}

/** One file of a diff; `patch` has its hunks, and is null where the forge shows none. */
export type ChangedFile = { path: string; patch: string | null }

/** What a reviewer says in all. */
export type ReviewEvent = 'COMMENT' | 'APPROVE' | 'REQUEST_CHANGES'

/** A review to write, about one commit of the pull request. */
export type NewReview = { commit: string; event: ReviewEvent; body: string; comments: readonly LineComment[] }

/** A review that is there. */
export type Review = { id: number; url: string; body: string; author: string | null }

/** The part of a forge that reviews pull requests. */
export type ReviewForge = {
  /** @throws AppError `forge_failed` when there is no such pull request. */
  pullRequest(repository: string, number: number): Promise<PullRequest>
  /**
   * What `head` changes since it left `base` (branches, tags or shas). The first 300 files are
   * returned.
   */
  diff(repository: string, base: string, head: string): Promise<ChangedFile[]>
  /** Oldest first. */
  reviews(repository: string, number: number): Promise<Review[]>
  /**
   * Writes a review with its comments, all or nothing; null when the commit is not one of the pull
   * request, or a line not one of its diff.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  createReview(repository: string, number: number, review: NewReview): Promise<Review | null>
  /** Asks accounts and teams (by slug) to review; who is asked already stays so. */
  requestReviewers(
    repository: string,
    number: number,
    asked: { reviewers: readonly string[]; teamReviewers: readonly string[] },
  ): Promise<void>
}
