// What a forge does with reviews of pull requests.
import type { PullRequest, Reaction } from './forge.ts'

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

/**
 * One file of a diff. `patch` has its hunks, and is null where the forge shows none; `blob` is the
 * id of its new content, of a deleted file's the old one.
 */
export type ChangedFile = { path: string; previousPath: string | null; blob: string | null; patch: string | null }

/** What a reviewer says in all. */
export type ReviewEvent = 'COMMENT' | 'APPROVE' | 'REQUEST_CHANGES'

/** A review to write, about one commit of the pull request. */
export type NewReview = { commit: string; event: ReviewEvent; body: string; comments: readonly LineComment[] }

/** A review that is there. */
export type Review = {
  id: number
  url: string
  body: string
  author: string | null
  state: 'COMMENTED' | 'APPROVED' | 'CHANGES_REQUESTED' | 'DISMISSED' | 'PENDING'
  /** Null for one that is not submitted, which only its author sees. */
  submittedAt: Date | null
  /** The commit that was reviewed; null when it is gone. */
  commit: string | null
}

/** A comment of a thread; its `id` is the number that reactions and answers go by. */
export type ThreadComment = {
  id: number
  url: string
  body: string
  author: string | null
  createdAt: Date
  /** The first 20. */
  reactions: { content: Reaction; author: string | null }[]
}

/** A conversation about a line. */
export type ReviewThread = {
  id: string
  path: string
  /** Null when it is about the whole file, or outdated. */
  line: number | null
  side: Side
  isResolved: boolean
  /** The account that resolved it. */
  resolvedBy: string | null
  /** Whether its line is no longer one of the diff. */
  isOutdated: boolean
  /** Oldest first; the first 500. */
  comments: ThreadComment[]
}

/** The part of a forge that reviews pull requests. */
export type ReviewForge = {
  /** @throws AppError `forge_failed` when there is no such pull request. */
  pullRequest(repository: string, number: number): Promise<PullRequest>
  /**
   * What `head` changes since it left `base` (branches, tags or shas). The first 300 files are
   * returned.
   */
  diff(repository: string, base: string, head: string): Promise<ChangedFile[]>
  /** Oldest first; the first 1,000 are returned. */
  reviews(repository: string, number: number): Promise<Review[]>
  /** The threads of a pull request, oldest first; the first 1,000 are returned. */
  reviewThreads(repository: string, number: number): Promise<ReviewThread[]>
  /**
   * Answers in the thread that the comment began.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  replyInThread(repository: string, number: number, comment: number, body: string): Promise<{ url: string }>
  /** Resolves a thread by its `id`; one that is resolved stays so. */
  resolveThread(repository: string, thread: string): Promise<void>
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
