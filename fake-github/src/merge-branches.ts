// Brings one commit into a branch by a merge commit.
import type { Actor } from './events.ts'
import { writeCommit } from './git-commits.ts'
import { mergeTrees } from './git-history.ts'
import { setRef } from './ref-changes.ts'
import { signatureOf, webCommitter } from './signatures.ts'

/** A branch with its head, and the commit to bring in. */
type Merge = {
  branch: string
  into: string
  from: string
  message: string
}

/** Merges and moves the branch; null when the two conflict. */
export async function mergeIntoBranch(actor: Actor, { branch, into, from, message }: Merge): Promise<string | null> {
  const { hub, repo, account } = actor
  const tree = await mergeTrees(repo.dir, into, from)
  if (!tree) return null
  const author = signatureOf(hub, account)
  const parents = [into, from]
  const sha = await writeCommit(repo.dir, { tree, parents, author, committer: webCommitter(hub), message })
  await setRef(actor, `refs/heads/${branch}`, sha)
  return sha
}
