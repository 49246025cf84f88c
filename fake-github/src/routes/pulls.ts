// Pull requests.
import { z } from 'zod'
import { git, readRef } from '../git.ts'
import { readCommit } from '../git-commits.ts'
import { diffFiles, diffText } from '../git-diff.ts'
import { isAncestor } from '../git-history.ts'
import type { FieldError, GithubError } from '../github-error.ts'
import { notFound, unprocessable, validationFailed } from '../github-error.ts'
import { emitIssue, isPull, openPulls, setIssueState } from '../pulls.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, numberParam, page, read, readBody } from '../route.ts'
import { commitShape, fileShape } from '../shapes/git.ts'
import { pullBase, pullCommits, pullListShape, pullShape } from '../shapes/pulls.ts'
import type { Issue, PullIssue, Repository } from '../state.ts'

const createBody = z.object({
  title: z.string().min(1),
  head: z.string(),
  head_repo: z.string().optional(),
  base: z.string(),
  body: z.string().nullish(),
  draft: z.boolean().default(false),
  maintainer_can_modify: z.boolean().default(false),
})
const updateBody = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']).optional(),
  base: z.string().optional(),
  maintainer_can_modify: z.boolean().optional(),
})

/** https://docs.github.com/en/rest/pulls/pulls */
export const pullRoutes = [
  read('/repos/{owner}/{repo}/pulls', 'pull_requests:read', (call) =>
    page(call, selectPulls(call), (issue) => pullListShape(call.hub, call.repo, issue)),
  ),

  change('POST', '/repos/{owner}/{repo}/pulls', { need: 'pull_requests:write' }, createPull),

  read('/repos/{owner}/{repo}/pulls/{pull_number}', 'pull_requests:read', async (call) => {
    const issue = findPull(call)
    if (call.accept.includes('.diff')) {
      return {
        status: 200,
        body: await diffText(call.repo.dir, await pullBase(call.repo, issue.pull), issue.pull.head.sha),
      }
    }
    return json(await pullShape(call.hub, call.repo, issue))
  }),

  change('PATCH', '/repos/{owner}/{repo}/pulls/{pull_number}', { need: 'pull_requests:write' }, updatePull),

  read('/repos/{owner}/{repo}/pulls/{pull_number}/files', 'pull_requests:read', async (call) => {
    const { hub, repo } = call
    const { pull } = findPull(call)
    const files = await diffFiles(repo.dir, await pullBase(repo, pull), pull.head.sha)
    return page(call, files, (file) => fileShape(hub, repo, file, pull.head.sha))
  }),

  read('/repos/{owner}/{repo}/pulls/{pull_number}/commits', 'pull_requests:read', async (call) => {
    const { hub, repo } = call
    return page(call, await pullCommits(repo, findPull(call).pull), async (sha) => {
      const commit = await readCommit(repo.dir, sha)
      return commit && commitShape(hub, repo, commit)
    })
  }),

  read('/repos/{owner}/{repo}/commits/{commit_sha}/pulls', 'pull_requests:read', async (call) => {
    const { hub, repo, params } = call
    const found: PullIssue[] = []
    for (const issue of [...repo.issues.values()].filter(isPull)) {
      const commits = [issue.pull.mergeCommitSha, ...(await pullCommits(repo, issue.pull))]
      if (commits.includes(params.commit_sha ?? '')) found.push(issue)
    }
    return page(call, found, (issue) => pullListShape(hub, repo, issue))
  }),
]

/** The pull request of the path; 404 when there is no such one. */
export function findPull(call: RepositoryCall): PullIssue {
  const issue = call.repo.issues.get(numberParam(call, 'pull_number'))
  if (!issue || !isPull(issue)) throw notFound()
  return issue
}

function selectPulls({ repo, query }: RepositoryCall): PullIssue[] {
  const state = query.get('state') ?? 'open'
  const head = query.get('head')
  const base = query.get('base')
  const key = query.get('sort') === 'updated' ? 'updatedAtMs' : 'createdAtMs'
  // GitHub lists the newest first unless it sorts by something other than creation.
  const ascending = (query.get('direction') ?? (key === 'updatedAtMs' ? 'asc' : 'desc')) === 'asc'
  return [...repo.issues.values()]
    .filter(isPull)
    .filter((issue) => state === 'all' || issue.state === state)
    .filter(({ pull }) => !head?.includes(':') || head === `${repo.owner.login}:${pull.head.ref}`)
    .filter(({ pull }) => !base || base === pull.base.ref)
    .sort((a, b) => (ascending ? 1 : -1) * (a[key] - b[key] || a.number - b.number))
}

async function createPull(call: ChangeCall) {
  const { hub, repo, app } = call
  const body = readBody(call, 'PullRequest', createBody)
  const head = body.head.replace(new RegExp(`^${repo.owner.login}:`, 'i'), '')
  const headSha = await branchSha(repo, head)
  const baseSha = await branchSha(repo, body.base)
  if (!headSha) throw invalid('head')
  if (!baseSha) throw invalid('base')
  if (openPulls(repo).some(({ pull }) => pull.head.ref === head && pull.base.ref === body.base)) {
    throw custom(`A pull request already exists for ${repo.owner.login}:${head}.`)
  }
  if (await isAncestor(repo.dir, headSha, baseSha)) throw custom(`No commits between ${body.base} and ${head}`)
  const number = repo.nextNumber++
  const issue: Issue & PullIssue = {
    ...newIssue(call, number, body.title, body.body ?? null),
    app,
    pull: {
      base: { ref: body.base, sha: baseSha },
      head: { ref: head, sha: headSha },
      draft: body.draft,
      merged: false,
      mergedAtMs: null,
      mergedBy: null,
      mergeCommitSha: null,
      maintainerCanModify: body.maintainer_can_modify,
      requestedReviewers: [],
      requestedTeams: [],
      autoMerge: null,
    },
  }
  repo.issues.set(number, issue)
  await git(repo.dir, ['update-ref', `refs/pull/${number}/head`, headSha])
  await emitIssue(call, issue, 'opened')
  const shape = await pullShape(hub, repo, issue)
  return json(shape, 201, { location: shape.url })
}

/** An open issue by the caller, with nothing on it yet. */
export function newIssue({ hub, account, app }: ChangeCall, number: number, title: string, body: string | null): Issue {
  const now = hub.clock()
  return {
    id: hub.state.nextId(),
    number,
    title,
    body,
    state: 'open',
    stateReason: null,
    user: account,
    app,
    labels: [],
    labelings: [],
    assignees: [],
    milestone: null,
    locked: false,
    lockReason: null,
    reactions: [],
    createdAtMs: now,
    updatedAtMs: now,
    closedAtMs: null,
    closedBy: null,
    pull: null,
  }
}

async function updatePull(call: ChangeCall) {
  const { hub, repo } = call
  const issue = findPull(call)
  const { pull } = issue
  const body = readBody(call, 'PullRequest', updateBody)
  const changes: Record<string, unknown> = {}
  if (body.title !== undefined && body.title !== issue.title) {
    changes.title = { from: issue.title }
    issue.title = body.title
  }
  if (body.body !== undefined && body.body !== issue.body) {
    changes.body = { from: issue.body ?? '' }
    issue.body = body.body
  }
  if (body.base !== undefined && body.base !== pull.base.ref) {
    const sha = await branchSha(repo, body.base)
    if (!sha) throw invalid('base')
    changes.base = { ref: { from: pull.base.ref }, sha: { from: pull.base.sha } }
    pull.base = { ref: body.base, sha }
  }
  if (Object.keys(changes).length > 0) {
    issue.updatedAtMs = hub.clock()
    await emitIssue(call, issue, 'edited', { changes })
  }
  if (body.state === 'open' && issue.state === 'closed') await checkReopen(repo, issue)
  if (body.state) await setIssueState(call, issue, body.state, null)
  return json(await pullShape(hub, repo, issue))
}

async function checkReopen(repo: Repository, { pull }: PullIssue): Promise<void> {
  const head = await branchSha(repo, pull.head.ref)
  if (pull.merged || !head)
    throw unprocessable('Validation Failed: state cannot be changed. The branch is gone or merged.')
  if (openPulls(repo).some((other) => other.pull.head.ref === pull.head.ref && other.pull.base.ref === pull.base.ref)) {
    throw custom(`state cannot be changed. There is already an open pull request for ${pull.head.ref}.`)
  }
  pull.head.sha = head
}

function branchSha(repo: Repository, branch: string): Promise<string | null> {
  return readRef(repo.dir, `refs/heads/${branch}`)
}

const resource = 'PullRequest'
function invalid(field: string): GithubError {
  return validationFailed({ resource, field, code: 'invalid' })
}

function custom(message: string): GithubError {
  return validationFailed({ resource, code: 'custom', message } satisfies FieldError)
}
