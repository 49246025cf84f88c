// Commits through the Git Data API: https://docs.github.com/en/rest/git
import type { Octokit } from 'octokit'
import type { Change, Commit, Committed, WriteForge } from '../forge.ts'
import type { Repository } from './clients.ts'
import type { GithubConnection } from './connection.ts'
import { githubText, statusOf } from './github-failure.ts'
import type { TreeReader } from './tree-reader.ts'
import { treeReader } from './tree-reader.ts'

/** See `WriteForge`. Dying after any call leaves at most unused objects, which git drops. */
export function gitData({ withClient }: GithubConnection): Pick<WriteForge, 'commitFiles'> {
  return {
    commitFiles: (repository, commit) => withClient(repository, (octokit, at) => commitFiles(octokit, at, commit)),
  }
}

/** A commit by the token's owner, so that GitHub signs an App's. */
async function commitFiles(octokit: Octokit, at: Repository, commit: Commit): Promise<Committed> {
  const { branch, parent, isNew, message, changes } = commit
  const parentTree = (await octokit.rest.git.getCommit({ ...at, commit_sha: parent })).data.tree.sha
  const tree = await createTree(octokit, at, { parentTree, changes })
  if (tree === parentTree) return { kind: 'unchanged', sha: parent }
  const { sha } = (await octokit.rest.git.createCommit({ ...at, message, tree, parents: [parent] })).data
  const done = isNew ? await createBranch(octokit, at, { branch, sha }) : await moveBranch(octokit, at, { branch, sha })
  return done ? { kind: 'committed', sha } : { kind: 'moved' }
}

/** The tree with these changes; the parent's own when they change nothing. */
async function createTree(
  octokit: Octokit,
  at: Repository,
  { parentTree, changes }: { parentTree: string; changes: readonly Change[] },
): Promise<string> {
  const files = treeReader(octokit, at, parentTree)
  const entries: TreeEntry[] = []
  for (const change of changes) {
    const entry = await entryOf(octokit, at, { change, files })
    if (entry !== null) entries.push(entry)
  }
  if (entries.length === 0) return parentTree
  return (await octokit.rest.git.createTree({ ...at, base_tree: parentTree, tree: entries })).data.sha
}

type TreeEntry = { path: string; mode: '100644' | '100755'; type: 'blob' } & (
  | { content: string }
  | { sha: string | null }
)

/** One entry of the tree: text as it is, bytes as a blob of their own; null for nothing to do. */
async function entryOf(
  octokit: Octokit,
  at: Repository,
  { change, files }: { change: Change; files: TreeReader },
): Promise<TreeEntry | null> {
  const { path } = change
  const present = await files.fileAt(path)
  if ('deleted' in change) {
    // GitHub refuses to delete what is not there.
    return present === null ? null : { path, mode: '100644', type: 'blob', sha: null }
  }
  const isExecutable = change.executable ?? present?.mode === '100755'
  const file = { path, mode: isExecutable ? '100755' : '100644', type: 'blob' } as const
  if (typeof change.content === 'string') return { ...file, content: change.content }
  const content = Buffer.from(change.content).toString('base64')
  return { ...file, sha: (await octokit.rest.git.createBlob({ ...at, content, encoding: 'base64' })).data.sha }
}

type Target = { branch: string; sha: string }

function createBranch(octokit: Octokit, at: Repository, { branch, sha }: Target): Promise<boolean> {
  return falseWhen(/reference already exists/i, () =>
    octokit.rest.git.createRef({ ...at, ref: `refs/heads/${branch}`, sha }),
  )
}

function moveBranch(octokit: Octokit, at: Repository, { branch, sha }: Target): Promise<boolean> {
  // "Reference does not exist" is the answer for a branch that was deleted meanwhile.
  return falseWhen(/not a fast.forward|reference does not exist/i, () =>
    octokit.rest.git.updateRef({ ...at, ref: `heads/${branch}`, sha, force: false }),
  )
}

async function falseWhen(refusal: RegExp, write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write()
    return true
  } catch (error) {
    if (statusOf(error) === 422 && refusal.test(githubText(error))) return false
    throw error
  }
}
