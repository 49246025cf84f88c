// Putting a work's commit on a branch exactly once, against anybody who moves the branch meanwhile.
import type { WriteForge } from '../forges/forge.ts'
import { GiveUp } from '../lib/error.ts'
import type { PullRequestWork } from './pull-request.ts'
import type { Trailer } from './trailer.ts'
import { isWork, readTrailer, withTrailer } from './trailer.ts'

const MAX_TURNS = 5

/**
 * `placed`: the commit is there; `unchanged`: the files are as they should be already;
 * `superseded`: newer work is there; `gone`: no such branch any more.
 */
export type Placed = { state: 'placed' | 'unchanged' | 'superseded' | 'gone'; sha?: string }

/**
 * Makes the commit and moves the branch to it by fast-forward, or finds it there. `own` is the
 * work's own branch, made when missing; any other must exist and hold work already. A commit whose
 * branch could not be moved is left unused and harmless.
 */
export async function commitToBranch(
  forge: WriteForge,
  work: PullRequestWork,
  target: { branch: string; own: boolean },
): Promise<Placed> {
  const { repository } = work
  for (let turn = 1; turn <= MAX_TURNS; turn += 1) {
    const tip = await forge.branchSha(repository, target.branch)
    const commits = tip === null ? [] : await readTrailers(forge, work, tip)
    const settled = settledState(work, target, commits)
    if (settled !== null) return settled
    // An empty branch (or none) starts from the base as it is now; git needs no more for a
    // fast-forward.
    const parentSha = commits.length > 0 && tip !== null ? tip : await baseTip(forge, work)
    const commitSha = await commitOn(forge, work, parentSha)
    if (commitSha === null) return { state: 'unchanged', sha: parentSha }
    const moved =
      tip === null
        ? await forge.createBranch(repository, target.branch, commitSha)
        : await forge.updateBranch(repository, target.branch, commitSha)
    if (moved) return { state: 'placed', sha: commitSha }
  }
  throw new Error(`The branch ${target.branch} of ${repository} moves faster than it can be written.`)
}

async function readTrailers(
  forge: WriteForge,
  work: PullRequestWork,
  tip: string,
): Promise<(Trailer & { sha: string })[]> {
  const commits = await forge.commitsBetween(work.repository, work.base, tip)
  return commits.map(({ sha, message }) => ({ sha, ...readTrailer(message) }))
}

function settledState(
  work: PullRequestWork,
  target: { branch: string; own: boolean },
  commits: (Trailer & { sha: string })[],
): Placed | null {
  const there = commits.find((commit) => isWork(commit, work.key))
  if (there !== undefined) return { state: 'placed', sha: there.sha }
  if (target.own && commits.length > 0) {
    throw new GiveUp(`The branch ${target.branch} of ${work.repository} holds somebody else's commits.`)
  }
  if (!target.own && commits.length === 0) return { state: 'gone' }
  const { order = Number.NEGATIVE_INFINITY } = work
  const newer = commits.find((commit) => (commit.order ?? Number.NEGATIVE_INFINITY) > order)
  return newer === undefined ? null : { state: 'superseded', sha: newer.sha }
}

async function baseTip(forge: WriteForge, { repository, base }: PullRequestWork): Promise<string> {
  const sha = await forge.branchSha(repository, base)
  if (sha === null) throw new GiveUp(`The repository ${repository} has no branch ${base} with a commit.`)
  return sha
}

/** The new commit's sha; null when these files would change nothing. */
async function commitOn(forge: WriteForge, work: PullRequestWork, parentSha: string): Promise<string | null> {
  const { repository, files } = work
  const { treeSha: baseTreeSha } = await forge.commit(repository, parentSha)
  const treeSha = await forge.createTree(repository, { baseTreeSha, files })
  if (treeSha === baseTreeSha) return null
  return await forge.createCommit(repository, { parentSha, treeSha, message: withTrailer(work.commitMessage, work) })
}
