// Statuses that services outside report of commits.
import { z } from 'zod'
import { emit, isHeard } from '../events.ts'
import { listRefs, resolveCommit } from '../git.ts'
import { readCommit } from '../git-commits.ts'
import { isAncestor } from '../git-history.ts'
import { notFound, unprocessable } from '../github-error.ts'
import type { CommitStatus } from '../records.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, page, pageOf, read, readBody } from '../route.ts'
import { branchShape, commitShape } from '../shapes/git.ts'
import { fullName } from '../shapes/repositories.ts'
import { combinedStatusShape, simpleStatusShape, statusShape } from '../shapes/statuses.ts'
import type { Repository } from '../state.ts'
import { findCommit } from './commits.ts'

const createBody = z.object({
  state: z.enum(['error', 'failure', 'pending', 'success']),
  target_url: z.string().nullish(),
  description: z.string().max(140).nullish(),
  context: z.string().min(1).default('default'),
})

/** https://docs.github.com/en/rest/commits/statuses */
export const statusRoutes = [
  change('POST', '/repos/{owner}/{repo}/statuses/{sha}', { need: 'statuses:write' }, createStatus),

  read('/repos/{owner}/{repo}/commits/{ref}/statuses', 'statuses:read', listStatuses),
  // GitHub no longer describes this one, but statuses and commits link to it.
  read('/repos/{owner}/{repo}/statuses/{ref}', 'statuses:read', listStatuses),

  read('/repos/{owner}/{repo}/commits/{ref}/status', 'statuses:read', async (call) => {
    const { hub, repo, params } = call
    const sha = await resolveCommit(repo.dir, params.ref ?? '')
    if (!sha) throw notFound()
    const all = latestStatuses(repo, sha)
    return pageOf(
      call,
      all,
      (status) => simpleStatusShape(hub, repo, status),
      (statuses) => ({ ...combinedStatusShape(hub, repo, sha, all), statuses }),
    )
  }),
]

async function listStatuses(call: RepositoryCall) {
  const { sha } = await findCommit(call.repo.dir, call.params.ref ?? '')
  return page(call, newestFirst(call.repo, sha), (status) => statusShape(call.hub, call.repo, status))
}

/** The latest status of each context, newest first. */
export function latestStatuses(repo: Repository, sha: string): CommitStatus[] {
  const latest = new Map<string, CommitStatus>()
  for (const status of newestFirst(repo, sha)) {
    if (!latest.has(status.context)) latest.set(status.context, status)
  }
  return [...latest.values()]
}

function newestFirst(repo: Repository, sha: string): CommitStatus[] {
  return repo.statuses.filter((status) => status.sha === sha).reverse()
}

async function createStatus(call: ChangeCall) {
  const { hub, repo, account, params } = call
  const body = readBody(call, 'Status', createBody)
  const sha = params.sha ?? ''
  if (!(await readCommit(repo.dir, sha))) throw unprocessable(`No commit found for SHA: ${sha}`)
  const status: CommitStatus = {
    id: hub.state.nextId(),
    sha,
    state: body.state,
    context: body.context,
    description: body.description ?? null,
    targetUrl: body.target_url ?? null,
    creator: account,
    createdAtMs: hub.clock(),
  }
  repo.statuses.push(status)
  await emitStatus(call, status)
  const shape = statusShape(hub, repo, status)
  return json(shape, 201, { location: shape.url })
}

async function emitStatus(call: ChangeCall, status: CommitStatus): Promise<void> {
  const { hub, repo } = call
  if (!isHeard(hub, repo, 'status')) return
  const commit = await readCommit(repo.dir, status.sha)
  const { url: _, node_id: __, creator: ___, ...shape } = statusShape(hub, repo, status)
  emit(call, 'status', {
    ...shape,
    sha: status.sha,
    name: fullName(repo),
    commit: commit && commitShape(hub, repo, commit),
    branches: await branchesWith(call, status.sha),
  })
}

async function branchesWith({ hub, repo }: ChangeCall, sha: string) {
  const branches = []
  for (const [ref, head] of await listRefs(repo.dir, 'refs/heads/')) {
    if (await isAncestor(repo.dir, sha, head)) branches.push(branchShape(hub, repo, ref, head))
  }
  // GitHub names ten at most.
  return branches.slice(0, 10)
}
