// Commits, refs, trees and changed files as GitHub shows them.
import type { Commit, Signature } from '../git-commits.ts'
import type { FileChange } from '../git-diff.ts'
import type { ObjectType, TreeEntry } from '../git-objects.ts'
import { typeOfMode } from '../git-objects.ts'
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Repository } from '../state.ts'
import { accountByEmail, accountShape } from './accounts.ts'
import { nodeId } from './node-id.ts'
import { repositoryPage, repositoryUrl } from './repositories.ts'

/** A commit's author or committer. */
function signatureShape({ name, email, atMs }: Signature) {
  return { name, email, date: isoTime(atMs) }
}

const UNSIGNED = { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null }

/** A commit of the Git Data API. */
export function gitCommitShape(hub: Hub, repo: Repository, commit: Commit) {
  const api = repositoryUrl(hub, repo)
  const html = repositoryPage(hub, repo)
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', commit.sha),
    url: `${api}/git/commits/${commit.sha}`,
    html_url: `${html}/commit/${commit.sha}`,
    author: signatureShape(commit.author),
    committer: signatureShape(commit.committer),
    tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
    message: commit.message,
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${api}/git/commits/${sha}`,
      html_url: `${html}/commit/${sha}`,
    })),
    verification: UNSIGNED,
  }
}

/** A commit of the Commits API, without its files. */
export function commitShape(hub: Hub, repo: Repository, commit: Commit) {
  const api = repositoryUrl(hub, repo)
  const html = repositoryPage(hub, repo)
  const person = (email: string) => {
    const account = accountByEmail(hub, email)
    return account && accountShape(hub, account)
  }
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', commit.sha),
    commit: {
      author: signatureShape(commit.author),
      committer: signatureShape(commit.committer),
      message: commit.message,
      tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
      url: `${api}/git/commits/${commit.sha}`,
      comment_count: [...repo.commitComments.values()].filter((comment) => comment.sha === commit.sha).length,
      verification: UNSIGNED,
    },
    url: `${api}/commits/${commit.sha}`,
    html_url: `${html}/commit/${commit.sha}`,
    comments_url: `${api}/commits/${commit.sha}/comments`,
    author: person(commit.author.email),
    committer: person(commit.committer.email),
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${api}/commits/${sha}`,
      html_url: `${html}/commit/${sha}`,
    })),
  }
}

/** A branch as in a list. */
export function branchShape(hub: Hub, repo: Repository, ref: string, sha: string) {
  const url = `${repositoryUrl(hub, repo)}/commits/${sha}`
  return { name: ref.slice('refs/heads/'.length), commit: { sha, url }, protected: false }
}

/** A full ref name and the object it points at. */
type Ref = {
  ref: string
  sha: string
  type: ObjectType
}

/** A ref and what it points at. */
export function refShape(hub: Hub, repo: Repository, { ref, sha, type }: Ref) {
  const api = repositoryUrl(hub, repo)
  const folder = `${type}s`
  return {
    ref,
    node_id: nodeId('Ref', `${repo.id}:${ref}`),
    url: `${api}/git/${ref}`,
    object: { sha, type, url: `${api}/git/${folder}/${sha}` },
  }
}

/** One line of a tree. */
export function treeEntryShape(hub: Hub, repo: Repository, entry: TreeEntry, size: number | null) {
  const type = typeOfMode(entry.mode)
  const url = `${repositoryUrl(hub, repo)}/git/${type}s/${entry.sha}`
  return {
    path: entry.name,
    mode: entry.mode.padStart(6, '0'),
    type,
    sha: entry.sha,
    ...(size !== null && { size }),
    ...(type !== 'commit' && { url }),
  }
}

/** A changed file of a commit, comparison or pull request, as it is at commit `ref`. */
export function fileShape(hub: Hub, repo: Repository, file: FileChange, ref: string) {
  const path = encodePath(file.path)
  const html = repositoryPage(hub, repo)
  return {
    sha: file.sha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${html}/blob/${ref}/${path}`,
    raw_url: `${html}/raw/${ref}/${path}`,
    contents_url: `${repositoryUrl(hub, repo)}/contents/${path}?ref=${ref}`,
    ...(file.patch !== null && { patch: file.patch }),
    ...(file.previousPath !== null && { previous_filename: file.previousPath }),
  }
}

/** A path for a URL: everything escaped but the slashes. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
