// Commits and branches.

import { listRefs, readRef, resolveCommit } from '../git.ts'
import type { Commit } from '../git-commits.ts'
import { readCommit } from '../git-commits.ts'
import { diffFiles, diffText } from '../git-diff.ts'
import { revList } from '../git-history.ts'
import { GithubError, notFound, unprocessable } from '../github-error.ts'
import type { RepositoryCall } from '../route.ts'
import { json, page, read } from '../route.ts'
import { branchShape, commitShape, fileShape } from '../shapes/git.ts'
import { repositoryPage, repositoryUrl } from '../shapes/repositories.ts'

/** https://docs.github.com/en/rest/commits/commits and /branches/branches */
export const commitRoutes = [
  read('/repos/{owner}/{repo}/commits', 'contents:read', async (call) => {
    const { hub, repo, query } = call
    if ((await listRefs(repo.dir, 'refs/heads/')).size === 0) throw new GithubError(409, 'Git Repository is empty.')
    const sha = await resolveCommit(repo.dir, query.get('sha') ?? repo.defaultBranch)
    if (!sha) throw notFound()
    const filters = ['since', 'until', 'author'].flatMap((name) =>
      query.has(name) ? [`--${name}=${query.get(name)}`] : [],
    )
    const path = query.get('path')
    const shas = await revList(repo.dir, [...filters, sha, '--', ...(path ? [path] : [])])
    return page(call, shas, async (each) => {
      const commit = await readCommit(repo.dir, each)
      return commit && commitShape(hub, repo, commit)
    })
  }),

  read(
    '/repos/{owner}/{repo}/commits/{commit_sha}/branches-where-head',
    'contents:read',
    async ({ hub, repo, params }) => {
      const { sha } = await findCommit(repo.dir, params.commit_sha ?? '')
      const branches = [...(await listRefs(repo.dir, 'refs/heads/'))].filter(([, head]) => head === sha)
      return json(branches.map(([ref]) => branchShape(hub, repo, ref, sha)))
    },
  ),

  read('/repos/{owner}/{repo}/commits/{ref}', 'contents:read', async ({ hub, repo, params, accept }) => {
    const commit = await findCommit(repo.dir, params.ref ?? '')
    const from = commit.parents[0] ?? null
    if (accept.includes('.sha')) return { status: 200, body: commit.sha }
    if (accept.includes('.diff')) return { status: 200, body: await diffText(repo.dir, from, commit.sha) }
    const files = await diffFiles(repo.dir, from, commit.sha)
    const additions = files.reduce((sum, file) => sum + file.additions, 0)
    const deletions = files.reduce((sum, file) => sum + file.deletions, 0)
    return json({
      ...commitShape(hub, repo, commit),
      stats: { total: additions + deletions, additions, deletions },
      files: files.map((file) => fileShape(hub, repo, file, commit.sha)),
    })
  }),

  read('/repos/{owner}/{repo}/branches', 'contents:read', async (call) => {
    const branches = [...(await listRefs(call.repo.dir, 'refs/heads/'))]
    return page(call, branches, ([ref, sha]) => branchShape(call.hub, call.repo, ref, sha))
  }),

  read('/repos/{owner}/{repo}/branches/{branch}', 'contents:read', showBranch),
]

/** The commit a name stands for; 422 in GitHub's words when there is none. */
export async function findCommit(dir: string, name: string): Promise<Commit> {
  const sha = await resolveCommit(dir, name)
  const commit = sha && (await readCommit(dir, sha))
  if (!commit) throw unprocessable(`No commit found for SHA: ${name}`)
  return commit
}

async function showBranch({ hub, repo, params }: RepositoryCall) {
  const name = params.branch ?? ''
  const sha = await readRef(repo.dir, `refs/heads/${name}`)
  const commit = sha && (await readCommit(repo.dir, sha))
  if (!commit) throw new GithubError(404, 'Branch not found')
  const self = `${repositoryUrl(hub, repo)}/branches/${name}`
  return json({
    name,
    commit: commitShape(hub, repo, commit),
    _links: { self, html: `${repositoryPage(hub, repo)}/tree/${name}` },
    protected: false,
    protection: { enabled: false, required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] } },
    protection_url: `${self}/protection`,
  })
}
