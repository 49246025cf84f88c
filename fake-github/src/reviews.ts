// Reviews of pull requests: begun, commented on lines, submitted, each with its events.
import type { Actor } from './events.ts'
import { emit } from './events.ts'
import { diffFiles } from './git-diff.ts'
import { mergeBase } from './git-history.ts'
import { GithubError, validationFailed } from './github-error.ts'
import type { PatchLine } from './patch.ts'
import { patchLines } from './patch.ts'
import type { DiffPlace, Review, ReviewComment } from './records.ts'
import { pullBase, pullCommits, pullListShape } from './shapes/pulls.ts'
import { reviewCommentShape, reviewShape } from './shapes/reviews.ts'
import type { PullIssue, Repository } from './state.ts'

const STATES = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' } as const

/** What a reviewer says in all. */
export type ReviewEvent = keyof typeof STATES

/** A line as a request names it: by its number on one side, or by GitHub's older `position`. */
type AskedPlace = {
  path: string
  commitSha: string
  line?: number | undefined
  side?: 'LEFT' | 'RIGHT' | undefined
  start_line?: number | undefined
  start_side?: 'LEFT' | 'RIGHT' | undefined
  position?: number | undefined
}

/**
 * The line of a pull request's changes, up to the commit that was reviewed, that a request names.
 * @throws GithubError 422 when the changes do not have it.
 */
export async function findPlace(repo: Repository, issue: PullIssue, asked: AskedPlace): Promise<DiffPlace> {
  const { path, commitSha } = asked
  await requireCommit(repo, issue, commitSha)
  const base = (await mergeBase(repo.dir, issue.pull.base.sha, commitSha)) ?? issue.pull.base.sha
  const patch = (await diffFiles(repo.dir, base, commitSha)).find((file) => file.path === path)?.patch
  if (patch == null) throw notInDiff('path', 'must be part of the diff')
  const lines = patchLines(patch)
  const found = lines.find((each) =>
    asked.line === undefined ? each.position === asked.position : lineOn(each, asked.side) === asked.line,
  )
  if (!found) throw notInDiff(asked.line === undefined ? 'position' : 'line', 'must be part of the diff')
  const { left, right, position, hunk } = found
  const isOld = asked.line === undefined ? right === null : asked.side === 'LEFT'
  return {
    path,
    commitSha,
    line: (isOld ? left : right) ?? 0,
    side: isOld ? 'LEFT' : 'RIGHT',
    ...startOf(lines, found, asked),
    position,
    hunk,
  }
}

function lineOn({ left, right }: PatchLine, side: 'LEFT' | 'RIGHT' = 'RIGHT'): number | null {
  return side === 'LEFT' ? left : right
}

/** Where a comment on several lines starts: above its line, in the same hunk. */
function startOf(lines: PatchLine[], end: PatchLine, asked: AskedPlace): Pick<DiffPlace, 'startLine' | 'startSide'> {
  const { start_line: startLine, start_side: startSide = asked.side ?? 'RIGHT' } = asked
  if (startLine === undefined) return { startLine: null, startSide: null }
  const start = lines.find((each) => lineOn(each, startSide) === startLine)
  if (!start || start.hunk.split('\n')[0] !== end.hunk.split('\n')[0]) {
    throw notInDiff('start_line', 'must be part of the same hunk as the line.')
  }
  if (start.position >= end.position) throw notInDiff('start_line', 'must precede the end line.')
  return { startLine, startSide }
}

/**
 * Accepts a commit of the pull request.
 * @throws GithubError 422 for any other.
 */
export async function requireCommit(repo: Repository, { pull }: PullIssue, sha: string): Promise<void> {
  if (sha === pull.head.sha || (await pullCommits(repo, pull)).includes(sha)) return
  throw notInDiff('commit_id', 'is not part of the pull request')
}

function notInDiff(field: string, why: string): GithubError {
  const resource = 'PullRequestReviewComment'
  const name = `pull_request_review_thread.${field}`
  return validationFailed({ resource, field: name, code: 'invalid', message: `${name} ${why}` })
}

/** Whether the line that a comment is about is no longer one of the pull request's changes. */
export async function isOutdated(repo: Repository, { review, place }: ReviewComment): Promise<boolean> {
  const { pull } = review.issue
  if (place.commitSha === pull.head.sha) return false
  const files = await diffFiles(repo.dir, await pullBase(repo, pull), pull.head.sha)
  const lineOf = (hunk: string) => hunk.split('\n').at(-1)
  const patch = files.find(({ path }) => path === place.path)?.patch
  return patch == null || !patchLines(patch).some(({ hunk }) => lineOf(hunk) === lineOf(place.hunk))
}

/** A review that only its author sees yet. */
export function beginReview({ hub, repo, account }: Actor, issue: PullIssue, body: string, commitSha: string): Review {
  const review: Review = {
    id: hub.state.nextId(),
    issue,
    state: 'PENDING',
    body,
    user: account,
    commitSha,
    submittedAtMs: null,
  }
  repo.reviews.set(review.id, review)
  return review
}

/** Adds a comment to a review that is not submitted yet. */
export function addReviewComment(
  { hub, repo, account }: Actor,
  review: Review,
  given: Pick<ReviewComment, 'body' | 'place' | 'inReplyTo'>,
): ReviewComment {
  const now = hub.clock()
  const comment: ReviewComment = {
    ...given,
    id: hub.state.nextId(),
    review,
    user: account,
    reactions: [],
    minimizedReason: null,
    resolvedBy: null,
    createdAtMs: now,
    updatedAtMs: now,
  }
  repo.reviewComments.set(comment.id, comment)
  return comment
}

/** Makes a review and its comments public. */
export function submitReview(actor: Actor, review: Review, event: ReviewEvent, body = review.body): void {
  const { hub, repo } = actor
  review.state = STATES[event]
  review.body = body
  review.submittedAtMs = hub.clock()
  const { pull } = review.issue
  pull.requestedReviewers = pull.requestedReviewers.filter((account) => account !== review.user)
  emitReview(actor, review, 'submitted')
  for (const comment of commentsOf(repo, review)) emitReviewComment(actor, comment, 'created')
}

/** Emits `pull_request_review_comment`. */
export function emitReviewComment(actor: Actor, comment: ReviewComment, action: string, more: object = {}): void {
  const { hub, repo } = actor
  emit(actor, 'pull_request_review_comment', {
    action,
    comment: reviewCommentShape(hub, repo, comment),
    pull_request: pullListShape(hub, repo, comment.review.issue),
    ...more,
  })
}

/** The comments of a review. */
export function commentsOf(repo: Repository, review: Review): ReviewComment[] {
  return [...repo.reviewComments.values()].filter((comment) => comment.review === review)
}

/** Emits `pull_request_review`, where GitHub writes the state in small letters. */
export function emitReview(actor: Actor, review: Review, action: string, more: object = {}): void {
  const { hub, repo } = actor
  emit(actor, 'pull_request_review', {
    action,
    review: { ...reviewShape(hub, repo, review), state: review.state.toLowerCase() },
    pull_request: pullListShape(hub, repo, review.issue),
    ...more,
  })
}

/**
 * Refuses what GitHub does not let a reviewer say.
 * @throws GithubError 422
 */
export function checkReview(issue: PullIssue, actor: Actor, event: ReviewEvent, isEmpty: boolean): void {
  const own = issue.user === actor.account
  if (own && event === 'APPROVE') throw refused('Can not approve your own pull request')
  if (own && event === 'REQUEST_CHANGES') throw refused('Can not request changes on your own pull request')
  if (event !== 'APPROVE' && isEmpty) throw refused('Body cannot be blank')
}

/** 422 with a reason, in the form of review routes. */
export function refused(reason: string): GithubError {
  return new GithubError(422, 'Unprocessable Entity', [reason])
}
