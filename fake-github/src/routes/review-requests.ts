// Who is asked to review a pull request.
import { z } from 'zod'
import { unprocessable } from '../github-error.ts'
import { emitIssue } from '../pulls.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, read, readBody } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { pullListShape } from '../shapes/pulls.ts'
import { fullName } from '../shapes/repositories.ts'
import type { Account, PullIssue } from '../state.ts'
import { accountKey } from '../state.ts'
import { findPull } from './pulls.ts'
import { collaboratorsOf } from './repositories.ts'

const REVIEWERS = '/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers'
const names = z.array(z.string()).default([])
const reviewersBody = z.object({ reviewers: names, team_reviewers: names })

/** https://docs.github.com/en/rest/pulls/review-requests; the fake has no teams */
export const reviewRequestRoutes = [
  read(REVIEWERS, 'pull_requests:read', (call) => {
    const { requestedReviewers } = findPull(call).pull
    return json({ users: requestedReviewers.map((account) => accountShape(call.hub, account)), teams: [] })
  }),

  change('POST', REVIEWERS, { need: 'pull_requests:write', role: 'triage' }, async (call) => {
    const issue = findPull(call)
    const { pull } = issue
    const asked = findReviewers(call, issue).filter((account) => !pull.requestedReviewers.includes(account))
    pull.requestedReviewers.push(...asked)
    await emitRequests(call, issue, 'review_requested', asked)
    return json(pullListShape(call.hub, call.repo, issue), 201)
  }),

  change('DELETE', REVIEWERS, { need: 'pull_requests:write', role: 'triage' }, async (call) => {
    const issue = findPull(call)
    const { pull } = issue
    const gone = findReviewers(call, issue).filter((account) => pull.requestedReviewers.includes(account))
    pull.requestedReviewers = pull.requestedReviewers.filter((account) => !gone.includes(account))
    await emitRequests(call, issue, 'review_request_removed', gone)
    return json(pullListShape(call.hub, call.repo, issue))
  }),
]

function findReviewers(call: RepositoryCall, issue: PullIssue): Account[] {
  const body = readBody(call, 'PullRequest', reviewersBody)
  const able = collaboratorsOf(call)
  const found = body.reviewers.map((login) => able.find((account) => accountKey(account.login) === accountKey(login)))
  if (found.includes(undefined) || body.team_reviewers.length > 0) {
    throw unprocessable(
      'Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a ' +
        `collaborator of the ${fullName(call.repo)} repository.`,
    )
  }
  if (found.includes(issue.user)) throw unprocessable('Review cannot be requested from pull request author.')
  return found.filter((account) => account !== undefined)
}

async function emitRequests(call: ChangeCall, issue: PullIssue, action: string, reviewers: Account[]): Promise<void> {
  for (const account of reviewers) {
    await emitIssue(call, issue, action, { requested_reviewer: accountShape(call.hub, account) })
  }
}
