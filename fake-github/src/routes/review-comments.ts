// Comments on the lines of pull requests; each belongs to a review.
import { z } from 'zod'
import { accountOf, hasRole, roleOf } from '../access.ts'
import { GithubError, notFound } from '../github-error.ts'
import type { ReviewComment } from '../records.ts'
import { addReviewComment, beginReview, emitReviewComment, findPlace, submitReview } from '../reviews.ts'
import type { ChangeCall, Reply, RepositoryCall } from '../route.ts'
import { change, json, noContent, numberParam, page, read, readBody } from '../route.ts'
import { reviewCommentShape } from '../shapes/reviews.ts'
import { findPull } from './pulls.ts'

const REPO = '/repos/{owner}/{repo}'
const ON_PULL = `${REPO}/pulls/{pull_number}/comments`
const WRITE = { need: 'pull_requests:write', role: 'read' } as const

const side = z.enum(['LEFT', 'RIGHT'])
/** Where a comment is, in request bodies. */
export const lineFields = {
  path: z.string(),
  line: z.number().int().optional(),
  side: side.optional(),
  start_line: z.number().int().optional(),
  start_side: side.optional(),
  position: z.number().int().optional(),
}
/** Of a comment: not blank, and no longer than GitHub stores. */
export const commentBody = z.string().max(65_536).regex(/\S/)
const createBody = z.object({ ...lineFields, body: commentBody, commit_id: z.string() })
const answerBody = z.object({ body: commentBody })

/** https://docs.github.com/en/rest/pulls/comments */
export const reviewCommentRoutes = [
  read(`${REPO}/pulls/comments`, 'pull_requests:read', (call) => list(call, seen(call))),

  read(`${REPO}/pulls/comments/{comment_id}`, 'pull_requests:read', (call) =>
    json(reviewCommentShape(call.hub, call.repo, findReviewComment(call))),
  ),

  change('PATCH', `${REPO}/pulls/comments/{comment_id}`, WRITE, (call) => {
    const comment = findOwn(call)
    const given = readBody(call, 'PullRequestReviewComment', answerBody)
    const changes = { body: { from: comment.body } }
    comment.body = given.body
    comment.updatedAtMs = call.hub.clock()
    emitReviewComment(call, comment, 'edited', { changes })
    return json(reviewCommentShape(call.hub, call.repo, comment))
  }),

  change('DELETE', `${REPO}/pulls/comments/{comment_id}`, WRITE, (call) => {
    const comment = findOwn(call)
    call.repo.reviewComments.delete(comment.id)
    emitReviewComment(call, comment, 'deleted')
    return noContent()
  }),

  read(ON_PULL, 'pull_requests:read', (call) => {
    const issue = findPull(call)
    return list(
      call,
      seen(call).filter(({ review }) => review.issue === issue),
    )
  }),

  change('POST', ON_PULL, WRITE, async (call) => {
    const issue = findPull(call)
    const given = readBody(call, 'PullRequestReviewComment', createBody)
    const place = await findPlace(call.repo, issue, { ...given, commitSha: given.commit_id })
    return commentAlone(call, { body: given.body, place, inReplyTo: null })
  }),

  change('POST', `${ON_PULL}/{comment_id}/replies`, WRITE, (call) => {
    const answered = findReviewComment(call)
    if (answered.review.issue !== findPull(call)) throw notFound()
    const given = readBody(call, 'PullRequestReviewComment', answerBody)
    const first = answered.inReplyTo ?? answered
    return commentAlone(call, { body: given.body, place: first.place, inReplyTo: first })
  }),
]

/** The comment of the path; 404 when there is none that the asker may see. */
export function findReviewComment(call: RepositoryCall): ReviewComment {
  const comment = seen(call).find(({ id }) => id === numberParam(call, 'comment_id'))
  if (!comment) throw notFound()
  return comment
}

/** One that the asker wrote, or may change as somebody who writes to the repository. */
function findOwn(call: ChangeCall): ReviewComment {
  const comment = findReviewComment(call)
  const may = comment.user === call.account || call.app || hasRole(roleOf(call.repo, call.account), 'write')
  if (!may) throw new GithubError(403, 'Must have admin rights to Repository.')
  return comment
}

/** A comment without a review gets one of its own. */
function commentAlone(call: ChangeCall, given: Pick<ReviewComment, 'body' | 'place' | 'inReplyTo'>): Reply {
  const { hub, repo } = call
  const review = beginReview(call, findPull(call), '', given.place.commitSha)
  const comment = addReviewComment(call, review, given)
  submitReview(call, review, 'COMMENT')
  const shape = reviewCommentShape(hub, repo, comment)
  return json(shape, 201, { location: shape.url })
}

function seen({ repo, credentials }: RepositoryCall): ReviewComment[] {
  const asker = accountOf(credentials)
  return [...repo.reviewComments.values()].filter(({ review }) => review.state !== 'PENDING' || review.user === asker)
}

function list(call: RepositoryCall, comments: ReviewComment[]): Promise<Reply> {
  const { query } = call
  const since = Date.parse(query.get('since') ?? '1970-01-01T00:00:00Z')
  const key = query.get('sort') === 'updated' ? 'updatedAtMs' : 'createdAtMs'
  // GitHub heeds the direction only of a list that is to be sorted.
  const sign = query.has('sort') && query.get('direction') !== 'asc' ? -1 : 1
  const sorted = comments
    .filter(({ updatedAtMs }) => updatedAtMs >= since)
    .sort((a, b) => sign * (a[key] - b[key] || a.id - b.id))
  return page(call, sorted, (comment) => reviewCommentShape(call.hub, call.repo, comment))
}
