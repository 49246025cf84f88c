// What people do in a repository: a test or the demo acts as a person, through the same routes as
// any client.

import { listRefs, readRef, resolveCommit } from './git.ts'
import { readCommit, writeCommit } from './git-commits.ts'
import type { TreeEdits } from './git-objects.ts'
import { editTree, findInTree, readObject, writeObject } from './git-objects.ts'
import type { Hub } from './hub.ts'
import { setRef } from './ref-changes.ts'
import { fullName, repositoryPage } from './shapes/repositories.ts'
import { signatureOf } from './signatures.ts'
import type { Account, Repository, Role } from './state.ts'
import { accountKey } from './state.ts'

/** A JSON object as the REST API shows it. */
type Shape = Record<string, unknown>

/** A pull request as the REST API shows it, with the fields tests ask for. */
export type PullShape = Shape & {
  number: number
  title: string
  body: string | null
  state: 'open' | 'closed'
  merged_at: string | null
  html_url: string
  head: { ref: string; sha: string }
  base: { ref: string; sha: string }
  labels: { name: string }[]
  user: { login: string }
}

/** An issue as the REST API shows it. */
export type IssueShape = Shape & {
  number: number
  title: string
  body: string | null
  state: 'open' | 'closed'
  html_url: string
  labels: { name: string }[]
}

/** A comment as the REST API shows it. */
export type CommentShape = Shape & {
  id: number
  body: string
  html_url: string
  user: { login: string }
}

/** A release as the REST API shows it. */
export type ReleaseShape = Shape & {
  id: number
  tag_name: string
  html_url: string
}

/** A commit to make. */
export type CommitOptions = {
  message: string
  /** Path to content; null deletes the file. */
  files: Record<string, string | Buffer | null>
  /** Default: the default branch. A branch that does not exist starts at the default branch. */
  branch?: string
  /** Login of the author. Default: the owner. */
  author?: string
}

/** A webhook to register. */
export type WebhookOptions = {
  url: string
  secret?: string
  /** Default `['*']`. */
  events?: string[]
  /** Default `json`. */
  contentType?: 'json' | 'form'
  active?: boolean
}

/**
 * What people do in a repository. All of it fires webhooks; none of it appears in `requests`, meets
 * a fault or is seen by `onExchange`. `by` is a login and defaults to the owner.
 */
export type RepositoryHandle = {
  owner: string
  name: string
  /** `owner/name`. */
  fullName: string
  id: number
  /** Where git clones from. */
  cloneUrl: string
  htmlUrl: string
  /** The bare repository on disk. */
  dir: string
  /** Gives somebody a role, or takes it away with null. */
  setRole(login: string, role: Role | null): void
  /** Makes a commit on a branch and resolves to its sha. */
  commit(options: CommitOptions): Promise<string>
  deleteBranch(branch: string, by?: string): Promise<void>
  openPullRequest(
    options: { title: string; head: string; base?: string; body?: string; draft?: boolean },
    by?: string,
  ): Promise<PullShape>
  /** Resolves to the sha of the merge; rejects with GitHub's message when it cannot be merged. */
  mergePullRequest(number: number, by?: string, options?: { merge_method?: 'merge' | 'squash' }): Promise<string>
  closePullRequest(number: number, by?: string): Promise<void>
  openIssue(options: { title: string; body?: string; labels?: string[] }, by?: string): Promise<IssueShape>
  closeIssue(number: number, by?: string): Promise<void>
  /** Adds labels to an issue or pull request. */
  labelIssue(number: number, labels: string | string[], by?: string): Promise<void>
  /** Comments on an issue or pull request. */
  comment(number: number, body: string, by?: string): Promise<CommentShape>
  commentOnCommit(sha: string, body: string, by?: string): Promise<CommentShape>
  publishRelease(
    options: { tag: string; name?: string; body?: string; target?: string; prerelease?: boolean },
    by?: string,
  ): Promise<ReleaseShape>
  /** Resolves to the webhook's id; a `ping` is sent. */
  addWebhook(options: WebhookOptions): Promise<number>
  /** All pull requests, oldest first. */
  pulls(state?: 'open' | 'closed' | 'all'): Promise<PullShape[]>
  issues(state?: 'open' | 'closed' | 'all'): Promise<IssueShape[]>
  /** Branch names. */
  branches(): Promise<string[]>
  /** A branch's head, or null. */
  head(branch?: string): Promise<string | null>
  /** A file's text at a branch, tag or sha, or null. */
  readFile(ref: string, path: string): Promise<string | null>
  commitComments(sha: string): Promise<CommentShape[]>
  issueComments(number: number): Promise<CommentShape[]>
}

// The most that GitHub gives at once.
const PAGE_ROWS = 100

/** Sends a request as a person, in process. */
type Act = (by: string | undefined, method: string, path: string, body?: unknown) => Promise<unknown>

/** The handle of one repository. */
export function repositoryHandle(
  hub: Hub,
  repo: Repository,
  act: Act,
  person: (by?: string) => Account,
): RepositoryHandle {
  const at = `/repos/${fullName(repo)}`
  async function getAll<T>(path: string, query = ''): Promise<T[]> {
    const all: T[] = []
    for (let page = 1; all.length === (page - 1) * PAGE_ROWS; page++) {
      const rows = await act(undefined, 'GET', `${at}${path}?per_page=${PAGE_ROWS}&page=${page}${query}`)
      all.push(...(rows as T[]))
    }
    return all
  }
  return {
    owner: repo.owner.login,
    name: repo.name,
    fullName: fullName(repo),
    id: repo.id,
    cloneUrl: `${repositoryPage(hub, repo)}.git`,
    htmlUrl: repositoryPage(hub, repo),
    dir: repo.dir,
    setRole: (login, role) => {
      const key = accountKey(person(login).login)
      if (role === null) repo.collaborators.delete(key)
      else repo.collaborators.set(key, role)
    },
    commit: (options) => hub.lock(repo, () => commit(hub, repo, person(options.author), options)),
    deleteBranch: async (branch, by) => void (await act(by, 'DELETE', `${at}/git/refs/heads/${branch}`)),
    openPullRequest: async (options, by) =>
      (await act(by, 'POST', `${at}/pulls`, { base: repo.defaultBranch, ...options })) as PullShape,
    mergePullRequest: async (number, by, options = {}) =>
      ((await act(by, 'PUT', `${at}/pulls/${number}/merge`, options)) as { sha: string }).sha,
    closePullRequest: async (number, by) => void (await act(by, 'PATCH', `${at}/pulls/${number}`, { state: 'closed' })),
    openIssue: async (options, by) => (await act(by, 'POST', `${at}/issues`, options)) as IssueShape,
    closeIssue: async (number, by) => void (await act(by, 'PATCH', `${at}/issues/${number}`, { state: 'closed' })),
    labelIssue: async (number, labels, by) =>
      void (await act(by, 'POST', `${at}/issues/${number}/labels`, { labels: [labels].flat() })),
    comment: async (number, body, by) =>
      (await act(by, 'POST', `${at}/issues/${number}/comments`, { body })) as CommentShape,
    commentOnCommit: async (sha, body, by) =>
      (await act(by, 'POST', `${at}/commits/${sha}/comments`, { body })) as CommentShape,
    publishRelease: async ({ tag, target, ...options }, by) => {
      const body = { tag_name: tag, ...(target !== undefined && { target_commitish: target }), ...options }
      return (await act(by, 'POST', `${at}/releases`, body)) as ReleaseShape
    },
    addWebhook: async ({ url, secret, events = ['*'], contentType = 'json', active = true }) => {
      const config = { url, content_type: contentType, ...(secret !== undefined && { secret }) }
      const hook = await act(undefined, 'POST', `${at}/hooks`, { config, events, active })
      return (hook as { id: number }).id
    },
    pulls: (state = 'all') => getAll('/pulls', `&state=${state}&direction=asc`),
    issues: async (state = 'all') =>
      (await getAll<IssueShape>('/issues', `&state=${state}&direction=asc`)).filter((issue) => !issue.pull_request),
    branches: async () => [...(await listRefs(repo.dir, 'refs/heads/')).keys()].map((ref) => ref.slice(11)),
    head: (branch = repo.defaultBranch) => readRef(repo.dir, `refs/heads/${branch}`),
    readFile: (ref, path) => readFileAt(repo, ref, path),
    commitComments: (sha) => getAll(`/commits/${sha}/comments`),
    issueComments: (number) => getAll(`/issues/${number}/comments`),
  }
}

async function readFileAt(repo: Repository, ref: string, path: string): Promise<string | null> {
  const sha = await resolveCommit(repo.dir, ref)
  const tree = sha && (await readCommit(repo.dir, sha))?.tree
  const entry = tree && (await findInTree(repo.dir, tree, path))
  return entry ? ((await readObject(repo.dir, entry.sha))?.data.toString() ?? null) : null
}

/** Makes a commit and moves the branch, with everything that follows. */
export async function commit(hub: Hub, repo: Repository, author: Account, options: CommitOptions): Promise<string> {
  const branch = options.branch ?? repo.defaultBranch
  const ref = `refs/heads/${branch}`
  const parent = (await readRef(repo.dir, ref)) ?? (await readRef(repo.dir, `refs/heads/${repo.defaultBranch}`))
  const base = parent && ((await readCommit(repo.dir, parent))?.tree ?? null)
  const edits: TreeEdits = new Map()
  for (const [path, content] of Object.entries(options.files)) {
    const sha = content === null ? null : await writeObject(repo.dir, 'blob', content)
    edits.set(path, sha === null ? null : { mode: '100644', sha })
  }
  const tree = await editTree(repo.dir, base, edits)
  const signature = signatureOf(hub, author)
  const parents = parent ? [parent] : []
  const sha = await writeCommit(repo.dir, {
    tree,
    parents,
    author: signature,
    committer: signature,
    message: options.message,
  })
  await setRef({ hub, repo, account: author }, ref, sha)
  return sha
}
