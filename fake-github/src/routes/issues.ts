// Issues; every pull request is one too.
import { z } from 'zod'
import { grants, hasRole, notAccessible, roleOf } from '../access.ts'
import { GithubError, notFound, validationFailed } from '../github-error.ts'
import { emitIssue, setAssignees, setIssueState, setLabels, setMilestone } from '../pulls.ts'
import type { Milestone } from '../records.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, numberParam, page, read, readBody } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { issueShape } from '../shapes/issues.ts'
import type { Account, Issue } from '../state.ts'
import { accountKey } from '../state.ts'
import { newIssue } from './pulls.ts'

const label = z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)])
const title = z.union([z.string().min(1), z.number()]).transform(String)
const optional = {
  body: z.string().nullish(),
  labels: z.array(label).optional(),
  assignees: z.array(z.string()).optional(),
  milestone: z.union([z.string(), z.number()]).transform(Number).nullish(),
}
const createBody = z.object({ ...optional, title })
const updateBody = z.object({
  ...optional,
  title: title.optional(),
  state: z.enum(['open', 'closed']).optional(),
  state_reason: z.enum(['completed', 'not_planned', 'duplicate', 'reopened']).nullish(),
})

/** https://docs.github.com/en/rest/issues/issues */
export const issueRoutes = [
  read('/repos/{owner}/{repo}/issues', 'issues:read', (call) =>
    page(call, selectIssues(call), (issue) => issueShape(call.hub, call.repo, issue)),
  ),

  change('POST', '/repos/{owner}/{repo}/issues', { need: 'issues:write', role: 'read' }, createIssue),

  read('/repos/{owner}/{repo}/issues/{issue_number}', 'issues:read|pull_requests:read', (call) =>
    json(showIssue(call, findIssue(call))),
  ),

  change(
    'PATCH',
    '/repos/{owner}/{repo}/issues/{issue_number}',
    { need: 'issues:write|pull_requests:write', role: 'read' },
    updateIssue,
  ),
]

/**
 * The issue or pull request of the path. A token for pull requests alone does not reach plain
 * issues.
 */
export function findIssue(call: RepositoryCall, level: 'read' | 'write' = 'read'): Issue {
  const issue = call.repo.issues.get(numberParam(call, 'issue_number'))
  if (!issue) throw notFound()
  const token = call.credentials.kind === 'token' ? call.credentials.token : null
  if (token?.permissions && !issue.pull && level === 'write' && !grants(token.permissions, 'issues', level)) {
    throw notAccessible(token)
  }
  return issue
}

function showIssue({ hub, repo }: RepositoryCall, issue: Issue) {
  return { ...issueShape(hub, repo, issue), closed_by: issue.closedBy && accountShape(hub, issue.closedBy) }
}

function selectIssues({ repo, query }: RepositoryCall): Issue[] {
  const state = query.get('state') ?? 'open'
  const labels = (query.get('labels') ?? '').split(',').filter(Boolean)
  const since = Date.parse(query.get('since') ?? '1970-01-01T00:00:00Z')
  const creator = query.get('creator')
  const milestone = query.get('milestone')
  const assignee = query.get('assignee')
  const key = query.get('sort') === 'updated' ? 'updatedAtMs' : 'createdAtMs'
  const sign = query.get('direction') === 'asc' ? 1 : -1
  return [...repo.issues.values()]
    .filter((issue) => state === 'all' || issue.state === state)
    .filter((issue) => issue.updatedAtMs >= since && (!creator || issue.user.login === creator))
    .filter((issue) => isAsked(milestone, issue.milestone ? [String(issue.milestone.number)] : []))
    .filter((issue) =>
      isAsked(
        assignee,
        issue.assignees.map(({ login }) => login),
      ),
    )
    .filter((issue) =>
      labels.every((name) => issue.labels.some((has) => has.name.toLowerCase() === name.toLowerCase())),
    )
    .sort((a, b) => sign * (a[key] - b[key] || a.number - b.number))
}

/** `*` asks for any, `none` for none. */
function isAsked(asked: string | null, has: string[]): boolean {
  if (asked === null) return true
  if (asked === 'none') return has.length === 0
  return asked === '*' ? has.length > 0 : has.includes(asked)
}

async function createIssue(call: ChangeCall) {
  const { repo } = call
  const body = readBody(call, 'Issue', createBody)
  const details = detailsOf(call, body)
  const issue = newIssue(call, repo.nextNumber++, body.title, body.body ?? null)
  repo.issues.set(issue.number, issue)
  await emitIssue(call, issue, 'opened')
  // GitHub silently drops what the author may not set.
  if (mayTriage(call)) await setDetails(call, issue, details)
  const shape = showIssue(call, issue)
  return json(shape, 201, { location: shape.url })
}

async function updateIssue(call: ChangeCall) {
  const { hub, account } = call
  const issue = findIssue(call, 'write')
  if (!mayTriage(call) && issue.user !== account) throw new GithubError(403, 'Must have admin rights to Repository.')
  const body = readBody(call, 'Issue', updateBody)
  const details = detailsOf(call, body)
  const changes: Record<string, unknown> = {}
  if (body.title !== undefined && body.title !== issue.title) {
    changes.title = { from: issue.title }
    issue.title = body.title
  }
  if (body.body !== undefined && body.body !== issue.body) {
    changes.body = { from: issue.body ?? '' }
    issue.body = body.body
  }
  if (Object.keys(changes).length > 0) {
    issue.updatedAtMs = hub.clock()
    await emitIssue(call, issue, 'edited', { changes })
  }
  await setDetails(call, issue, details)
  if (body.state) await setIssueState(call, issue, body.state, body.state_reason ?? null)
  return json(showIssue(call, issue))
}

function mayTriage({ repo, account, app }: ChangeCall): boolean {
  return app !== null || hasRole(roleOf(repo, account), 'triage')
}

/** Labels, assignees and milestone of a request, looked up before anything is changed. */
function detailsOf(call: RepositoryCall, body: Pick<z.infer<typeof createBody>, 'labels' | 'assignees' | 'milestone'>) {
  return {
    labels: body.labels,
    assignees: body.assignees && assigneesOf(call, body.assignees),
    milestone: body.milestone == null ? body.milestone : milestoneOf(call, body.milestone),
  }
}

async function setDetails(call: ChangeCall, issue: Issue, details: ReturnType<typeof detailsOf>): Promise<void> {
  if (details.assignees) await setAssignees(call, issue, details.assignees)
  if (details.milestone !== undefined) await setMilestone(call, issue, details.milestone)
  if (details.labels) await setLabels(call, issue, details.labels)
}

function milestoneOf({ repo }: RepositoryCall, number: number): Milestone {
  const milestone = repo.milestones.get(number)
  if (!milestone) throw validationFailed({ resource: 'Issue', field: 'milestone', code: 'invalid', value: number })
  return milestone
}

function assigneesOf({ hub }: RepositoryCall, logins: string[]): Account[] {
  return logins.map((login) => {
    const account = hub.state.accounts.get(accountKey(login))
    if (!account) throw validationFailed({ resource: 'Issue', field: 'assignees', code: 'invalid', value: login })
    return account
  })
}
