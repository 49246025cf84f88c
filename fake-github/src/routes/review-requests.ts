// Who is asked to review a pull request.
import { z } from 'zod'
import { unprocessable } from '../github-error.ts'
import { emitIssue } from '../pulls.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, read, readBody } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { pullListShape } from '../shapes/pulls.ts'
import { fullName } from '../shapes/repositories.ts'
import { teamShape } from '../shapes/teams.ts'
import type { Account, PullIssue, Team } from '../state.ts'
import { accountKey } from '../state.ts'
import { findPull } from './pulls.ts'
import { collaboratorsOf } from './repositories.ts'

const REVIEWERS = '/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers'
const WRITE = { need: 'pull_requests:write', role: 'triage' } as const
const names = z.array(z.string()).default([])
const reviewersBody = z.object({ reviewers: names, team_reviewers: names })

/** https://docs.github.com/en/rest/pulls/review-requests */
export const reviewRequestRoutes = [
  read(REVIEWERS, 'pull_requests:read', (call) => {
    const { requestedReviewers, requestedTeams } = findPull(call).pull
    return json({
      users: requestedReviewers.map((account) => accountShape(call.hub, account)),
      teams: requestedTeams.map((team) => teamShape(call.hub, team)),
    })
  }),

  change('POST', REVIEWERS, WRITE, async (call) => {
    const issue = findPull(call)
    const { pull } = issue
    const { accounts, teams } = findReviewers(call, issue)
    const asked = accounts.filter((account) => !pull.requestedReviewers.includes(account))
    const askedTeams = teams.filter((team) => !pull.requestedTeams.includes(team))
    pull.requestedReviewers.push(...asked)
    pull.requestedTeams.push(...askedTeams)
    await emitRequests(call, issue, 'review_requested', { accounts: asked, teams: askedTeams })
    return json(pullListShape(call.hub, call.repo, issue), 201)
  }),

  change('DELETE', REVIEWERS, WRITE, async (call) => {
    const issue = findPull(call)
    const { pull } = issue
    const { accounts, teams } = findReviewers(call, issue)
    const gone = accounts.filter((account) => pull.requestedReviewers.includes(account))
    const goneTeams = teams.filter((team) => pull.requestedTeams.includes(team))
    pull.requestedReviewers = pull.requestedReviewers.filter((account) => !gone.includes(account))
    pull.requestedTeams = pull.requestedTeams.filter((team) => !goneTeams.includes(team))
    await emitRequests(call, issue, 'review_request_removed', { accounts: gone, teams: goneTeams })
    return json(pullListShape(call.hub, call.repo, issue))
  }),
]

type Reviewers = { accounts: Account[]; teams: Team[] }

function findReviewers(call: RepositoryCall, issue: PullIssue): Reviewers {
  const body = readBody(call, 'PullRequest', reviewersBody)
  const able = collaboratorsOf(call)
  const found = body.reviewers.map((login) => able.find((account) => accountKey(account.login) === accountKey(login)))
  const teams = body.team_reviewers.map((slug) => call.repo.owner.teams.get(accountKey(slug)))
  const hasAll = !found.includes(undefined) && teams.every((team) => team?.repositories.has(call.repo.id))
  if (!hasAll) {
    throw unprocessable(
      'Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a ' +
        `collaborator of the ${fullName(call.repo)} repository.`,
    )
  }
  if (found.includes(issue.user)) throw unprocessable('Review cannot be requested from pull request author.')
  return {
    accounts: found.filter((account) => account !== undefined),
    teams: teams.filter((team) => team !== undefined),
  }
}

async function emitRequests(
  call: ChangeCall,
  issue: PullIssue,
  action: string,
  { accounts, teams }: Reviewers,
): Promise<void> {
  for (const account of accounts) {
    await emitIssue(call, issue, action, { requested_reviewer: accountShape(call.hub, account) })
  }
  for (const team of teams) await emitIssue(call, issue, action, { requested_team: teamShape(call.hub, team) })
}
