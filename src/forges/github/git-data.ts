// Trees, commits and branches through the Git Data API: https://docs.github.com/en/rest/git
import type { WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'
import { saidByGithub, statusOf } from './github-failure.ts'

type Arguments<Name extends keyof WriteForge> = Parameters<WriteForge[Name]>

/** See `WriteForge.createTree`. */
export function createTree(
  { as }: GithubConnection,
  ...[repository, { baseTreeSha, files }]: Arguments<'createTree'>
): Promise<string> {
  return as(repository, async (octokit, at) => {
    const tree = files.map(({ path, content }) => ({ path, content, mode: '100644' as const, type: 'blob' as const }))
    return (await octokit.rest.git.createTree({ ...at, base_tree: baseTreeSha, tree })).data.sha
  })
}

/** See `WriteForge.createCommit`. */
export function createCommit(
  { as }: GithubConnection,
  ...[repository, { parentSha, treeSha, message }]: Arguments<'createCommit'>
): Promise<string> {
  return as(repository, async (octokit, at) => {
    const commit = { ...at, message, tree: treeSha, parents: [parentSha] }
    return (await octokit.rest.git.createCommit(commit)).data.sha
  })
}

/** See `WriteForge.createBranch`. */
export function createBranch(
  { as }: GithubConnection,
  ...[repository, branch, sha]: Arguments<'createBranch'>
): Promise<boolean> {
  return as(repository, (octokit, at) =>
    falseWhen(/reference already exists/i, () =>
      octokit.rest.git.createRef({ ...at, ref: `refs/heads/${branch}`, sha }),
    ),
  )
}

/** See `WriteForge.updateBranch`. */
export function updateBranch(
  { as }: GithubConnection,
  ...[repository, branch, sha]: Arguments<'updateBranch'>
): Promise<boolean> {
  return as(repository, (octokit, at) =>
    // "Reference does not exist" is what a branch deleted meanwhile gives: it has moved, too.
    falseWhen(/not a fast.forward|reference does not exist/i, () =>
      octokit.rest.git.updateRef({ ...at, ref: `heads/${branch}`, sha, force: false }),
    ),
  )
}

async function falseWhen(refusal: RegExp, write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write()
    return true
  } catch (error) {
    if (statusOf(error) === 422 && refusal.test(saidByGithub(error))) return false
    throw error
  }
}
