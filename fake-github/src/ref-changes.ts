// What follows when a branch or tag moves, whether by push, REST or merge: events, and pull
// requests brought up to date.
import type { Actor } from './events.ts'
import { emit, isHeard } from './events.ts'
import { git, readRef, resolveCommit, tryGit, ZERO_SHA } from './git.ts'
import type { Commit, Signature } from './git-commits.ts'
import { readCommit } from './git-commits.ts'
import { isAncestor } from './git-history.ts'
import { unprocessable } from './github-error.ts'
import type { Hub } from './hub.ts'
import { isoTime } from './hub.ts'
import { closePull, emitIssue, openPulls } from './pulls.ts'
import { accountByEmail, emailOf } from './shapes/accounts.ts'
import { pushedRepository, repositoryPage } from './shapes/repositories.ts'
import type { Hook, Repository } from './state.ts'

/** One ref before and after; null where it does not exist. */
export type RefChange = {
  ref: string
  before: string | null
  after: string | null
}

/** Moves, creates or deletes (null) a ref and lets everything follow. */
export async function setRef(actor: Actor, ref: string, after: string | null): Promise<void> {
  const { repo } = actor
  const before = await readRef(repo.dir, ref)
  if (before === after) return
  const args = after === null ? ['-d', ref] : [ref, after, before ?? ZERO_SHA]
  // Fails where one name would be both a branch and a folder of branches.
  if ((await tryGit(repo.dir, ['update-ref', ...args])).code !== 0) throw unprocessable('Reference update failed')
  await refChanged(actor, { ref, before, after })
}

/** Emits `push`, `create` and `delete`, and updates pull requests of the branch. */
export async function refChanged(actor: Actor, change: RefChange): Promise<void> {
  const { hub, repo } = actor
  const { ref, before, after } = change
  const kind = /^refs\/(heads|tags)\//.exec(ref)?.[1]
  if (!kind) return
  const name = ref.slice(`refs/${kind}/`.length)
  repo.pushedAtMs = hub.clock()
  await emitPush(actor, change)
  if (before === null || after === null) {
    emit(actor, before === null ? 'create' : 'delete', {
      ref: name,
      ref_type: kind === 'heads' ? 'branch' : 'tag',
      ...(before === null && { master_branch: repo.defaultBranch, description: repo.description }),
      pusher_type: 'user',
    })
  }
  if (kind === 'heads') await updatePulls(actor, name, change)
}

/** Emits the `push` of a change to all webhooks, or to one alone. */
export async function emitPush(actor: Actor, change: RefChange, only?: Hook): Promise<void> {
  const { hub, repo, account } = actor
  const { ref, before, after } = change
  if (!isHeard(hub, repo, 'push')) return
  const forced = before !== null && after !== null && !(await isAncestor(repo.dir, before, after))
  const commits = await newCommits(hub, repo, change)
  const head = after === null ? null : await commitAt(repo, after)
  const shown = commits.find(({ id }) => id === head?.sha) ?? (head && pushedCommit(hub, repo, head, ''))
  const range = before === null || after === null ? (after ?? ZERO_SHA).slice(0, 12) : compareRange(before, after)
  const payload = {
    ref,
    before: before ?? ZERO_SHA,
    after: after ?? ZERO_SHA,
    repository: pushedRepository(hub, repo),
    pusher: { name: account.login, email: emailOf(account) },
    created: before === null,
    deleted: after === null,
    forced,
    base_ref: null,
    compare: `${repositoryPage(hub, repo)}/${before && after ? 'compare' : 'commit'}/${range}`,
    commits,
    head_commit: shown,
  }
  emit(actor, 'push', payload, only)
}

function compareRange(before: string, after: string): string {
  return `${before.slice(0, 12)}...${after.slice(0, 12)}`
}

/** The commit itself, or the one an annotated tag is about. */
async function commitAt(repo: Repository, sha: string): Promise<Commit | null> {
  return (await readCommit(repo.dir, sha)) ?? readCommit(repo.dir, (await resolveCommit(repo.dir, sha)) ?? '')
}

/** The commits a push brought, oldest first, each with the names of the files it touched. */
async function newCommits(hub: Hub, repo: Repository, { ref, before, after }: RefChange) {
  if (after === null || ref.startsWith('refs/tags/')) return []
  // A new branch brings what no other branch has; what `--branches` excludes has no `refs/heads/`.
  const others = ['--not', `--exclude=${ref.replace(/^refs\/heads\//, '')}`, '--branches']
  const range = before ? [`${before}..${after}`] : [after, ...others]
  const log = await git(repo.dir, [
    '-c',
    'core.quotePath=false',
    'log',
    '--reverse',
    '--no-renames',
    '--name-status',
    '--format=%x00%H',
    ...range,
  ])
  const commits = []
  for (const part of log.split('\0').slice(1)) {
    const [sha = '', ...lines] = part.trim().split(/\n+/)
    const commit = await readCommit(repo.dir, sha)
    if (commit) commits.push(pushedCommit(hub, repo, commit, lines.join('\n')))
  }
  return commits
}

function pushedCommit(hub: Hub, repo: Repository, commit: Commit, nameStatus: string) {
  const touched = (letter: string) =>
    nameStatus
      .split('\n')
      .filter((line) => line.startsWith(`${letter}\t`))
      .map((line) => line.slice(2))
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: isoTime(commit.committer.atMs),
    url: `${repositoryPage(hub, repo)}/commit/${commit.sha}`,
    author: pushedPerson(hub, commit.author),
    committer: pushedPerson(hub, commit.committer),
    added: touched('A'),
    removed: touched('D'),
    modified: touched('M'),
  }
}

function pushedPerson(hub: Hub, { name, email, atMs }: Signature) {
  const account = accountByEmail(hub, email)
  return { name, email, date: isoTime(atMs), ...(account && { username: account.login }) }
}

async function updatePulls(actor: Actor, branch: string, change: RefChange) {
  const { hub, repo, account } = actor
  const { before, after } = change
  for (const issue of openPulls(repo)) {
    const { pull } = issue
    if (pull.head.ref === branch && after !== null) {
      pull.head.sha = after
      pull.base.sha = (await readRef(repo.dir, `refs/heads/${pull.base.ref}`)) ?? pull.base.sha
      issue.updatedAtMs = hub.clock()
      await git(repo.dir, ['update-ref', `refs/pull/${issue.number}/head`, after])
      await emitIssue(actor, issue, 'synchronize', { before, after })
    }
    const gone = after === null && (pull.head.ref === branch || pull.base.ref === branch)
    // A push that brings the head into the base merges the pull request, as GitHub notices too.
    const arrived = pull.base.ref === branch && after !== null && (await isAncestor(repo.dir, pull.head.sha, after))
    if (arrived)
      Object.assign(pull, { merged: true, mergedAtMs: hub.clock(), mergedBy: account, mergeCommitSha: after })
    if (gone || arrived) await closePull(actor, issue)
  }
}
