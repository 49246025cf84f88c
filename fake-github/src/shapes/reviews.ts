// Reviews of pull requests and their comments as GitHub shows them.
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Review, ReviewComment } from '../records.ts'
import type { Repository } from '../state.ts'
import { accountShape, associationOf } from './accounts.ts'
import { issuePage, reactionsShape } from './issues.ts'
import { nodeId } from './node-id.ts'
import { repositoryUrl } from './repositories.ts'

/** A review. */
export function reviewShape(hub: Hub, repo: Repository, review: Review) {
  const html = `${issuePage(hub, repo, review.issue)}#pullrequestreview-${review.id}`
  const pull = `${repositoryUrl(hub, repo)}/pulls/${review.issue.number}`
  return {
    id: review.id,
    node_id: nodeId('PullRequestReview', review.id),
    user: accountShape(hub, review.user),
    body: review.body,
    state: review.state,
    html_url: html,
    pull_request_url: pull,
    _links: { html: { href: html }, pull_request: { href: pull } },
    ...(review.submittedAtMs !== null && { submitted_at: isoTime(review.submittedAtMs) }),
    commit_id: review.commitSha,
    author_association: associationOf(repo, review.user),
  }
}

/** A comment of a review. */
export function reviewCommentShape(hub: Hub, repo: Repository, comment: ReviewComment) {
  const { review, place } = comment
  const url = `${repositoryUrl(hub, repo)}/pulls/comments/${comment.id}`
  const html = `${issuePage(hub, repo, review.issue)}#discussion_r${comment.id}`
  const pull = `${repositoryUrl(hub, repo)}/pulls/${review.issue.number}`
  return {
    url,
    pull_request_review_id: review.id,
    id: comment.id,
    node_id: nodeId('PullRequestReviewComment', comment.id),
    diff_hunk: place.hunk,
    path: place.path,
    position: place.position,
    original_position: place.position,
    commit_id: place.commitSha,
    original_commit_id: place.commitSha,
    ...(comment.inReplyTo && { in_reply_to_id: comment.inReplyTo.id }),
    user: accountShape(hub, comment.user),
    body: comment.body,
    created_at: isoTime(comment.createdAtMs),
    updated_at: isoTime(comment.updatedAtMs),
    html_url: html,
    pull_request_url: pull,
    author_association: associationOf(repo, comment.user),
    _links: { self: { href: url }, html: { href: html }, pull_request: { href: pull } },
    start_line: place.startLine,
    original_start_line: place.startLine,
    start_side: place.startSide,
    line: place.line,
    original_line: place.line,
    side: place.side,
    subject_type: 'line',
    reactions: reactionsShape(url, comment.reactions),
  }
}
