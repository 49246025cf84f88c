// Publishing a pull request: one branch, one commit, one pull request, however often and wherever
// it was interrupted.
import type { PullRequest, WriteForge } from '../forges/forge.ts'
import type { Marker } from '../lib/marker.ts'
import { readMarker, withMarker } from '../lib/marker.ts'
import { commitToBranch } from './commit-to-branch.ts'
import type { PullRequestOutput, PullRequestWork, Receipt } from './output.ts'
import { isWork, readTrailer } from './trailer.ts'

type Published = { pull: PullRequest; sha?: string | undefined; created: boolean }

/**
 * Finds this work's pull request, or puts the work on an open one of the same series, or opens one;
 * null when the base already has exactly these files. A merged or closed pull request counts as
 * done: there is never a second.
 */
export async function publishPullRequest(forge: WriteForge, output: PullRequestOutput): Promise<Receipt | null> {
  const work = { ...output, base: output.base ?? (await forge.defaultBranch(output.repository)) }
  const published =
    (await ownPullRequest(forge, work)) ?? (await joinSeries(forge, work)) ?? (await openPullRequest(forge, work))
  if (published === null) return null
  const { pull, sha, created } = published
  // Last, so that a repeat after a crash before this finds the pull request without its labels and
  // adds them.
  const missing = missingLabels(work, pull)
  if (missing.length > 0) await forge.addLabels(work.repository, { pullRequest: pull.number }, missing)
  return { url: pull.url, number: pull.number, branch: pull.head, sha: sha ?? pull.headSha, created }
}

function missingLabels({ labels = [] }: PullRequestWork, pull: PullRequest): string[] {
  // A person who closed or merged it is done with it. Labels that differ in case only are the same.
  if (pull.state !== 'open') return []
  const present = new Set(pull.labels.map((label) => label.toLowerCase()))
  return labels.filter((label) => !present.has(label.toLowerCase()))
}

async function ownPullRequest(forge: WriteForge, work: PullRequestWork): Promise<Published | null> {
  const pulls = await forge.pullRequests(work.repository, { head: work.branch, state: 'all' })
  const ours = pulls.filter((pull) => !pull.fromFork)
  const pull = ours.find(({ state }) => state === 'open') ?? ours[0]
  return pull === undefined ? null : { pull, created: false }
}

async function openPullRequest(forge: WriteForge, work: PullRequestWork): Promise<Published | null> {
  const placed = await commitToBranch(forge, work, { branch: work.branch, own: true })
  if (placed.state === 'unchanged') return null
  const { repository, branch: head, base, title } = work
  const body = withMarker(work.body, ownMarker(work), forge.maxBodyChars)
  const pull = await forge.createPullRequest(repository, { head, base, title, body })
  if (pull !== null) return { pull, sha: placed.sha, created: true }
  const theirs = await ownPullRequest(forge, work)
  if (theirs === null) {
    throw new Error(`The forge says that ${head} has an open pull request, but does not show it yet.`)
  }
  return { ...theirs, sha: placed.sha }
}

/**
 * Where this work went, or goes, on a pull request of another work of its series; null when it
 * needs its own.
 */
async function joinSeries(forge: WriteForge, work: PullRequestWork): Promise<Published | null> {
  const { repository, series, onOpenPullRequest = 'update' } = work
  if (series === undefined || onOpenPullRequest === 'separate') return null
  // A branch of its own without a pull request is an interrupted run: that one is to be finished.
  if ((await forge.branchSha(repository, work.branch)) !== null) return null
  const done = await settledBy(forge, work)
  if (done !== undefined) return { pull: done, created: false }
  const open = (await forge.pullRequests(repository, { state: 'open' })).filter((pull) => isOfSeries(pull, work))
  // The oldest, so that a repeat chooses the same one whatever was opened since.
  const pull = open.find(({ body }) => readMarker(body)?.keys.includes(work.key)) ?? open.at(-1)
  return pull === undefined ? null : updatePullRequest(forge, work, pull)
}

/**
 * Bodies can be written by anybody who opens a pull request from a fork: only branches that we
 * could have made are trusted.
 */
function isOfSeries(pull: PullRequest, work: PullRequestWork): boolean {
  return (
    !pull.fromFork &&
    pull.base === work.base &&
    pull.head.split('/')[0] === work.branch.split('/')[0] &&
    readMarker(pull.body)?.series === work.series
  )
}

/**
 * The pull request of the series that was closed with this work on it, or merged with newer work;
 * looked for among the repository's newest 100.
 */
async function settledBy(forge: WriteForge, work: PullRequestWork): Promise<PullRequest | undefined> {
  const all = await forge.pullRequests(work.repository, { state: 'all' })
  const closed = all.filter((pull) => pull.state !== 'open' && isOfSeries(pull, work))
  const merged = closed.filter(({ state }) => state === 'merged')
  for (const pull of closed) {
    // An update may have died between its commit and the key in the body; it was on the last one
    // then.
    const mayContain = pull === merged[0] || readMarker(pull.body)?.keys.includes(work.key)
    if (mayContain && (await containsWork(forge, work, pull))) return withKey(forge, work, pull)
  }
  return merged.find((pull) => isNewer(pull, work))
}

/** Says in the body what the commit says, because a forge's webhooks contain the body only. */
async function withKey(forge: WriteForge, work: PullRequestWork, pull: PullRequest): Promise<PullRequest> {
  const old = readMarker(pull.body)
  if (old?.keys.includes(work.key)) return pull
  const body = withMarker(pull.body, joinMarkers(old, ownMarker(work)), forge.maxBodyChars)
  return forge.updatePullRequest(work.repository, pull.number, { body })
}

function isNewer(pull: PullRequest, work: PullRequestWork): boolean {
  return (readMarker(pull.body)?.order ?? Number.NEGATIVE_INFINITY) > (work.order ?? Number.NEGATIVE_INFINITY)
}

/**
 * A key in the body of a merged pull request is not enough: its commit may have been pushed just
 * after the merge.
 */
async function containsWork(forge: WriteForge, work: PullRequestWork, pull: PullRequest): Promise<boolean> {
  if (isNewer(pull, work) && readMarker(pull.body)?.keys.includes(work.key)) return true
  const commits = await forge.commitsBetween(work.repository, pull.baseSha, pull.headSha)
  return commits.some(({ message }) => isWork(readTrailer(message), work.key))
}

async function updatePullRequest(
  forge: WriteForge,
  work: PullRequestWork,
  found: PullRequest,
): Promise<Published | null> {
  const placed = await commitToBranch(forge, work, { branch: found.head, own: false })
  if (placed.state === 'gone') return null
  // Looked up again: merged meanwhile means that the commit may have come too late, and the work
  // needs its own.
  const [pull] = await forge.pullRequests(work.repository, { head: found.head, state: 'open' })
  if (pull === undefined) return null
  const marker = joinMarkers(readMarker(pull.body), ownMarker(work))
  const isNewest = placed.state !== 'superseded' && (marker.order ?? 0) <= (work.order ?? 0)
  const body = withMarker(isNewest ? work.body : pull.body, marker, forge.maxBodyChars)
  const title = isNewest ? work.title : pull.title
  if (body === pull.body && title === pull.title) return { pull, sha: placed.sha, created: false }
  const updated = await forge.updatePullRequest(work.repository, pull.number, { title, body })
  return updated.state === 'open' ? { pull: updated, sha: placed.sha, created: false } : null
}

function ownMarker({ key, series, order }: PullRequestWork): Marker {
  return { keys: [key], series, order }
}

function joinMarkers(old: Marker | null, own: Marker): Marker {
  return {
    keys: [...(old?.keys ?? []).filter((key) => !own.keys.includes(key)), ...own.keys],
    series: own.series,
    order: old?.order === undefined ? own.order : Math.max(old.order, own.order ?? old.order),
  }
}
