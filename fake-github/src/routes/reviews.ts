// Reviews of pull requests.
import { z } from 'zod'
import { accountOf } from '../access.ts'
import { GithubError, notFound } from '../github-error.ts'
import type { Review } from '../records.ts'
import {
  addReviewComment,
  beginReview,
  checkReview,
  commentsOf,
  emitReview,
  findPlace,
  refused,
  requireCommit,
  submitReview,
} from '../reviews.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, numberParam, page, read, readBody } from '../route.ts'
import { reviewCommentShape, reviewShape } from '../shapes/reviews.ts'
import { findPull } from './pulls.ts'
import { commentBody, lineFields } from './review-comments.ts'

const REVIEWS = '/repos/{owner}/{repo}/pulls/{pull_number}/reviews'
const REVIEW = `${REVIEWS}/{review_id}`
const WRITE = { need: 'pull_requests:write', role: 'read' } as const

const event = z.enum(['APPROVE', 'REQUEST_CHANGES', 'COMMENT'])
const createBody = z.object({
  body: z.string().default(''),
  event: event.optional(),
  commit_id: z.string().optional(),
  comments: z.array(z.object({ ...lineFields, body: commentBody })).default([]),
})
const submitBody = z.object({ body: z.string().optional(), event })

/** https://docs.github.com/en/rest/pulls/reviews */
export const reviewRoutes = [
  read(REVIEWS, 'pull_requests:read', (call) => {
    const issue = findPull(call)
    const reviews = [...call.repo.reviews.values()].filter((review) => review.issue === issue && isSeen(call, review))
    return page(call, reviews, (review) => show(call, review))
  }),

  change('POST', REVIEWS, WRITE, createReview),

  read(REVIEW, 'pull_requests:read', (call) => json(show(call, find(call)))),

  change('PUT', REVIEW, WRITE, (call) => {
    const review = find(call)
    if (review.user !== call.account) throw new GithubError(403, 'Must have admin rights to Repository.')
    const { body } = readBody(call, 'PullRequestReview', z.object({ body: z.string() }))
    const changes = { body: { from: review.body } }
    review.body = body
    if (review.state !== 'PENDING') emitReview(call, review, 'edited', { changes })
    return json(show(call, review))
  }),

  change('DELETE', REVIEW, WRITE, (call) => {
    const review = findPending(call)
    for (const comment of commentsOf(call.repo, review)) call.repo.reviewComments.delete(comment.id)
    call.repo.reviews.delete(review.id)
    return json(show(call, review))
  }),

  read(`${REVIEW}/comments`, 'pull_requests:read', (call) =>
    page(call, commentsOf(call.repo, find(call)), (comment) => reviewCommentShape(call.hub, call.repo, comment)),
  ),

  change('POST', `${REVIEW}/events`, WRITE, (call) => {
    const review = findPending(call)
    const body = readBody(call, 'PullRequestReview', submitBody)
    const text = body.body ?? review.body
    checkReview(review.issue, call, body.event, text === '' && commentsOf(call.repo, review).length === 0)
    submitReview(call, review, body.event, text)
    return json(show(call, review))
  }),

  change('PUT', `${REVIEW}/dismissals`, { need: 'pull_requests:write' }, (call) => {
    const review = find(call)
    readBody(call, 'PullRequestReview', z.object({ message: z.string().min(1) }))
    if (!['APPROVED', 'CHANGES_REQUESTED'].includes(review.state)) {
      throw refused('Can not dismiss a commented pull request review')
    }
    review.state = 'DISMISSED'
    emitReview(call, review, 'dismissed')
    return json(show(call, review))
  }),
]

async function createReview(call: ChangeCall) {
  const { repo } = call
  const issue = findPull(call)
  const body = readBody(call, 'PullRequestReview', createBody)
  const commitSha = body.commit_id ?? issue.pull.head.sha
  await inWords(requireCommit(repo, issue, commitSha))
  if (body.event) checkReview(issue, call, body.event, body.body === '' && body.comments.length === 0)
  const comments = await Promise.all(
    body.comments.map(async (asked) => ({
      body: asked.body,
      place: await inWords(findPlace(repo, issue, { ...asked, commitSha })),
      inReplyTo: null,
    })),
  )
  const review = beginReview(call, issue, body.body, commitSha)
  for (const comment of comments) addReviewComment(call, review, comment)
  if (body.event) submitReview(call, review, body.event)
  return json(show(call, review))
}

/** For a whole review GitHub says in words only what is wrong with a place. */
async function inWords<T>(looking: Promise<T>): Promise<T> {
  try {
    return await looking
  } catch (error) {
    const [first] = (error instanceof GithubError && error.errors) || []
    if (typeof first !== 'object') throw error
    const unresolved = /thread\.(line|path|position)$/.exec(first.field ?? '')?.[1]
    if (unresolved === undefined) throw refused(first.message ?? '')
    throw refused(`${unresolved.charAt(0).toUpperCase()}${unresolved.slice(1)} could not be resolved`)
  }
}

function show({ hub, repo }: RepositoryCall, review: Review) {
  return reviewShape(hub, repo, review)
}

function find(call: RepositoryCall): Review {
  const review = call.repo.reviews.get(numberParam(call, 'review_id'))
  if (!review || review.issue !== findPull(call) || !isSeen(call, review)) throw notFound()
  return review
}

function findPending(call: RepositoryCall): Review {
  const review = find(call)
  if (review.state !== 'PENDING') throw refused('Can not change a review that is submitted')
  return review
}

function isSeen({ credentials }: RepositoryCall, review: Review): boolean {
  return review.state !== 'PENDING' || review.user === accountOf(credentials)
}
