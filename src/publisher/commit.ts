// A commit straight on a branch: found by its trailer, made once, on whatever the branch is then.
import { z } from 'zod'
import type { WriteForge } from '../forges/forge.ts'
import { GiveUp } from '../lib/error.ts'
import { isCommitOf, readTrailer, withTrailer } from '../lib/trailer.ts'
import { toChange } from './commit-to-branch.ts'
import { refuseConflict } from './conflict.ts'
import type { Receipt } from './output.ts'
import { changes, commitMessage, common, key, sha } from './output-fields.ts'
import { jobKey } from './own.ts'
import type { Author } from './publish.ts'

const MAX_ATTEMPTS = 5

/** A commit on a branch that is there. */
export const commitOutput = z.strictObject({
  kind: z.literal('commit'),
  ...common,
  branch: z.string().min(1),
  message: commitMessage,
  changes,
  /**
   * The commit that the changes were made for. With it nothing is overwritten: the output fails
   * when one of its files has changed on the branch since.
   */
  parent: sha.optional(),
  key,
})

/** What an agent says of a commit. */
export type CommitOutput = z.infer<typeof commitOutput>

/**
 * Commits the files on top of the branch, or finds that it was done; null when the branch has
 * exactly these files already.
 * @throws GiveUp when there is no such branch, or a file has changed since `parent`.
 */
export async function publishCommit(forge: WriteForge, output: CommitOutput, job: Author): Promise<Receipt | null> {
  const { repository, branch } = output
  const marked = jobKey(job, output.key)
  const message = withTrailer(output.message, { key: marked })
  const files = output.changes.map(toChange)
  const receipt = (commit: string, created: boolean) => ({
    url: forge.commitUrl(repository, commit),
    branch,
    sha: commit,
    created,
  })
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const tip = await forge.branchSha(repository, branch)
    if (tip === null) throw new GiveUp(`The repository ${repository} has no branch ${branch}; open a pull request.`)
    const there = await findCommit(forge, output, { marked, since: job.createdAt })
    if (there !== null) return receipt(there, false)
    await refuseConflict(forge, output, tip)
    const done = await forge.commitFiles(repository, { branch, parent: tip, isNew: false, message, changes: files })
    if (done.kind === 'unchanged') return null
    if (done.kind === 'committed') return receipt(done.sha, true)
  }
  throw new Error(`The branch ${branch} of ${repository} moves faster than it can be written.`)
}

async function findCommit(
  forge: WriteForge,
  { repository, branch }: CommitOutput,
  { marked, since }: { marked: string; since: Date | undefined },
): Promise<string | null> {
  for (const { sha: commit, message, author } of await forge.newCommits(repository, branch, since)) {
    const isMarked = isCommitOf(readTrailer(message), marked)
    // A trailer alone can be copied.
    if (isMarked && (await forge.isOwn(repository, author))) return commit
  }
  return null
}
