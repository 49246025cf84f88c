// Putting a change set's commit on a branch exactly once, against anybody who moves the branch
// meanwhile.
import type { Change, WriteForge } from '../forges/forge.ts'
import { GiveUp } from '../lib/error.ts'
import type { Trailer } from '../lib/trailer.ts'
import { isCommitOf, readTrailer, withTrailer } from '../lib/trailer.ts'
import { refuseConflict } from './conflict.ts'
import type { FileChange } from './output-fields.ts'
import type { ChangeSet } from './pull-request-output.ts'

const MAX_ATTEMPTS = 5

/**
 * `committed`: the commit is there; `unchanged`: the files are as they should be already;
 * `superseded`: a newer change set is there; `gone`: no such branch any more.
 */
type Placed = { state: 'committed' | 'unchanged' | 'superseded' | 'gone'; sha?: string }

type Target = { branch: string; own: boolean }

/**
 * Makes the commit and moves the branch to it, or finds it there. `own` is the change set's own
 * branch, made when missing; any other must exist and have a commit of our account. Commits people
 * put on top of that stay.
 */
export async function commitToBranch(forge: WriteForge, changeSet: ChangeSet, target: Target): Promise<Placed> {
  const { repository } = changeSet
  const { branch } = target
  const changes = changeSet.changes.map(toChange)
  const message = withTrailer(changeSet.commitMessage, changeSet)
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const tip = await forge.branchSha(repository, branch)
    const commits = tip === null ? [] : await readTrailers(forge, changeSet, tip)
    const settled = settledState(changeSet, target, commits)
    if (settled !== null) return settled
    const isBegun = commits.length > 0 && tip !== null
    if (isBegun) await refuseConflict(forge, { ...changeSet, branch }, tip)
    // An empty branch (or none) starts from what the changes are for.
    const parent = isBegun ? tip : (changeSet.parent ?? (await baseTip(forge, changeSet)))
    const done = await forge.commitFiles(repository, { branch, parent, isNew: tip === null, message, changes })
    if (done.kind !== 'moved') return { state: done.kind, sha: done.sha }
  }
  throw new Error(`The branch ${branch} of ${repository} moves faster than it can be written.`)
}

/** A change as the forge takes it. */
export function toChange(change: FileChange): Change {
  if ('deleted' in change) return change
  const { content } = change
  return { ...change, content: typeof content === 'string' ? content : Buffer.from(content.base64, 'base64') }
}

type Found = Trailer & { sha: string; isOurs: boolean }

async function readTrailers(forge: WriteForge, { repository, base }: ChangeSet, tip: string): Promise<Found[]> {
  const commits = await forge.commitsBetween(repository, base, tip)
  return Promise.all(
    commits.map(async (commit) => ({ sha: commit.sha, ...(await readCommit(forge, repository, commit)) })),
  )
}

/** What a commit says about itself, and whether our account made it: a trailer can be copied. */
export async function readCommit(
  forge: WriteForge,
  repository: string,
  { author, message }: { author: string | null; message: string },
): Promise<Trailer & { isOurs: boolean }> {
  const trailer = readTrailer(message)
  return { ...trailer, isOurs: trailer.key !== undefined && (await forge.isOwn(repository, author)) }
}

/** The end of it, if the commits that the branch has over its base decide that; else null. */
function settledState(changeSet: ChangeSet, target: Target, commits: readonly Found[]): Placed | null {
  if (!target.own && !commits.some(({ isOurs }) => isOurs)) return { state: 'gone' }
  const there = commits.find((commit) => commit.isOurs && isCommitOf(commit, changeSet.key))
  if (there !== undefined) return { state: 'committed', sha: there.sha }
  if (target.own && commits.length > 0) {
    throw new GiveUp(`The branch ${target.branch} of ${changeSet.repository} has somebody else's commits.`)
  }
  const { order = Number.NEGATIVE_INFINITY } = changeSet
  const newer = commits.find((commit) => commit.isOurs && (commit.order ?? Number.NEGATIVE_INFINITY) > order)
  return newer === undefined ? null : { state: 'superseded', sha: newer.sha }
}

/** Whether both are known and the same; the case of a name does not count. */
export function isSameAccount(one: string | null, other: string | null): boolean {
  return one !== null && one.toLowerCase() === other?.toLowerCase()
}

async function baseTip(forge: WriteForge, { repository, base }: ChangeSet): Promise<string> {
  const sha = await forge.branchSha(repository, base)
  if (sha === null) throw new GiveUp(`The repository ${repository} has no branch ${base} with a commit.`)
  return sha
}
