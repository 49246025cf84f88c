// Who may work on issues and pull requests, and who does.
import { z } from 'zod'
import { notFound } from '../github-error.ts'
import { setAssignees } from '../pulls.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, page, read, readBody } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { issueShape } from '../shapes/issues.ts'
import type { Account } from '../state.ts'
import { accountKey } from '../state.ts'
import { findIssue } from './issues.ts'
import { collaboratorsOf } from './repositories.ts'

const ON_ISSUE = '/repos/{owner}/{repo}/issues/{issue_number}/assignees'
const CHANGE = { need: 'issues:write|pull_requests:write', role: 'triage' } as const
const loginsBody = z.object({ assignees: z.array(z.string()).default([]) })

/** https://docs.github.com/en/rest/issues/assignees */
export const assigneeRoutes = [
  read('/repos/{owner}/{repo}/assignees', 'issues:read|pull_requests:read', (call) =>
    page(call, collaboratorsOf(call), (account) => accountShape(call.hub, account)),
  ),

  read('/repos/{owner}/{repo}/assignees/{assignee}', 'issues:read|pull_requests:read', (call) => {
    if (named(call, [call.params.assignee ?? '']).length === 0) throw notFound()
    return noContent()
  }),

  change('POST', ON_ISSUE, CHANGE, async (call) =>
    json(await assign(call, (before, given) => [...before, ...given]), 201),
  ),

  change('DELETE', ON_ISSUE, CHANGE, async (call) =>
    json(await assign(call, (before, given) => before.filter((account) => !given.includes(account)))),
  ),
]

/** GitHub silently ignores those who cannot be assigned. */
function named(call: RepositoryCall, logins: string[]): Account[] {
  const keys = logins.map(accountKey)
  return collaboratorsOf(call).filter(({ login }) => keys.includes(accountKey(login)))
}

async function assign(call: ChangeCall, pick: (before: Account[], given: Account[]) => Account[]) {
  const issue = findIssue(call, 'write')
  const { assignees } = readBody(call, 'Issue', loginsBody)
  await setAssignees(call, issue, pick(issue.assignees, named(call, assignees)))
  return issueShape(call.hub, call.repo, issue)
}
