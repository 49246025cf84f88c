// Two commits compared.

import { resolveCommit } from '../git.ts'
import { readCommit, readCommits } from '../git-commits.ts'
import { diffFiles, diffText } from '../git-diff.ts'
import { commitsAhead, mergeBase } from '../git-history.ts'
import { GithubError, notFound } from '../github-error.ts'
import type { RepositoryCall } from '../route.ts'
import { page, read } from '../route.ts'
import { commitShape, fileShape } from '../shapes/git.ts'
import { repositoryPage, repositoryUrl } from '../shapes/repositories.ts'
import type { Repository } from '../state.ts'

const MAX_FILES = 300

/** https://docs.github.com/en/rest/commits/commits#compare-two-commits */
export const compareRoutes = [
  read('/repos/{owner}/{repo}/compare/{basehead}', 'contents:read', async (call) => {
    const { repo, params, accept, query } = call
    const [baseName = '', headName = ''] = (params.basehead ?? '').split('...')
    const base = await sideOf(repo, baseName)
    const head = await sideOf(repo, headName)
    const from = await mergeBase(repo.dir, base, head)
    if (!from) throw new GithubError(404, `No common ancestor between ${baseName} and ${headName}.`)
    if (accept.includes('.diff')) return { status: 200, body: await diffText(repo.dir, from, head) }
    const ahead = await commitsAhead(repo.dir, base, head)
    const behind = await commitsAhead(repo.dir, head, base)
    const rest = await comparison(call, { base, head, from, ahead: ahead.length, behind: behind.length })
    if (!query.has('per_page')) call.query.set('per_page', '250')
    const commits = await readCommits(repo.dir, ahead)
    const reply = await page(call, commits, (commit) => commitShape(call.hub, repo, commit))
    return { ...reply, body: { ...rest, commits: reply.body } }
  }),
]

/** A branch, tag or sha, perhaps written `owner:branch`. */
async function sideOf(repo: Repository, name: string): Promise<string> {
  const own = `${repo.owner.login}:`
  const sha = await resolveCommit(repo.dir, name.startsWith(own) ? name.slice(own.length) : name)
  if (!sha) throw notFound()
  return sha
}

type Sides = {
  base: string
  head: string
  from: string
  ahead: number
  behind: number
}

async function comparison({ hub, repo, params }: RepositoryCall, { base, head, from, ahead, behind }: Sides) {
  const html = `${repositoryPage(hub, repo)}/compare/${params.basehead}`
  const show = async (sha: string) => {
    const commit = await readCommit(repo.dir, sha)
    return commit && commitShape(hub, repo, commit)
  }
  const files = await diffFiles(repo.dir, from, head)
  return {
    url: `${repositoryUrl(hub, repo)}/compare/${params.basehead}`,
    html_url: html,
    permalink_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    base_commit: await show(base),
    merge_base_commit: await show(from),
    status: statusOf(ahead, behind),
    ahead_by: ahead,
    behind_by: behind,
    total_commits: ahead,
    files: files.slice(0, MAX_FILES).map((file) => fileShape(hub, repo, file, head)),
  }
}

function statusOf(ahead: number, behind: number): string {
  if (ahead > 0) return behind > 0 ? 'diverged' : 'ahead'
  return behind > 0 ? 'behind' : 'identical'
}
