// Pull requests of one series, such as the deployments of one app to one environment: a newer
// change set goes on the open one, or takes its place.
import type { PullRequest, WriteForge } from '../forges/forge.ts'
import type { Marker } from '../lib/marker.ts'
import { readMarker, withMarker } from '../lib/marker.ts'
import { isCommitOf } from '../lib/trailer.ts'
import { commitToBranch, isSameAccount, readCommit } from './commit-to-branch.ts'
import { describePullRequest, joinMarkers } from './description.ts'
import { findOwn } from './own.ts'
import type { ChangeSet } from './pull-request-output.ts'

/** A pull request and this change set's own commit on it; null where it has none. */
export type Published = { pull: PullRequest; sha: string | null; created: boolean }

/**
 * The pull request of another change set of its series that this one went on, or goes on; null when
 * it needs its own.
 */
export async function joinSeries(forge: WriteForge, changeSet: ChangeSet): Promise<Published | null> {
  const { repository, series, onOpenPullRequest } = changeSet
  if (series === undefined) return null
  // A branch of its own without a pull request is an interrupted run: that one is to be finished.
  if ((await forge.branchSha(repository, changeSet.branch)) !== null) return null
  const done = await settledBy(forge, changeSet)
  if (done !== null) return done
  const open = await openOfSeries(forge, changeSet)
  if (onOpenPullRequest === 'separate') {
    const newer = open.find((pull) => isNewer(pull, changeSet))
    return newer === undefined ? null : leaveTo(forge, changeSet, newer)
  }
  // The oldest, so that a repeat chooses the same one whatever was opened since.
  const pull = open.find(({ body }) => readMarker(body)?.keys.includes(changeSet.key)) ?? open.at(-1)
  return pull === undefined ? null : updatePullRequest(forge, changeSet, pull)
}

/**
 * Closes what is open of the series but the newest, where each change set has a pull request of its
 * own: they change the same files, so once one was merged the others would conflict, and merging an
 * older one last would undo the newer.
 */
export async function closeOlder(forge: WriteForge, changeSet: ChangeSet): Promise<void> {
  const { repository, onOpenPullRequest, series } = changeSet
  if (series === undefined || onOpenPullRequest !== 'separate') return
  const open = await openOfSeries(forge, changeSet)
  const [newest, ...older] = open.toSorted((a, b) => orderOf(b) - orderOf(a) || b.number - a.number)
  for (const { number, body } of older) {
    const note = `*Superseded by #${newest?.number}.*\n\n`
    await forge.updatePullRequest(repository, number, { state: 'closed', body: note + body.replace(SUPERSEDED, '') })
  }
}

// Of one that a person has opened again.
const SUPERSEDED = /^\*Superseded by #\d+\.\*\s+/

async function openOfSeries(forge: WriteForge, changeSet: ChangeSet): Promise<PullRequest[]> {
  const open = await forge.pullRequests(changeSet.repository, { state: 'open' })
  return open.filter((pull) => isOfSeries(pull, changeSet))
}

/**
 * Bodies can be written by anybody who opens a pull request: only one that our own account opened,
 * from a branch that we could have made, is of the series.
 */
function isOfSeries(pull: PullRequest, changeSet: ChangeSet): boolean {
  return (
    !pull.fromFork &&
    isSameAccount(pull.author, changeSet.account) &&
    pull.base === changeSet.base &&
    pull.head.split('/')[0] === changeSet.branch.split('/')[0] &&
    readMarker(pull.body)?.series === changeSet.series
  )
}

/**
 * The pull request of the series that was closed with this change set on it, or merged with a
 * newer one; looked for among the repository's newest 100.
 */
async function settledBy(forge: WriteForge, changeSet: ChangeSet): Promise<Published | null> {
  const all = await forge.pullRequests(changeSet.repository, { state: 'all' })
  const closed = all.filter((pull) => pull.state !== 'open' && isOfSeries(pull, changeSet))
  const merged = closed.filter(({ state }) => state === 'merged')
  for (const pull of closed) {
    // An update may have died between its commit and the key in the body; it was on the last one
    // then.
    const hasKey = readMarker(pull.body)?.keys.includes(changeSet.key) ?? false
    if (pull !== merged[0] && !hasKey) continue
    const sha = await commitOf(forge, changeSet, pull)
    // A key in the body of a merged pull request is not enough: its commit may have been pushed
    // just after the merge.
    if (sha !== null || (hasKey && isNewer(pull, changeSet))) {
      return { pull: await withKey(forge, changeSet, pull), sha, created: false }
    }
  }
  const newer = merged.find((pull) => isNewer(pull, changeSet))
  return newer === undefined ? null : { pull: newer, sha: null, created: false }
}

/** Says in the body what the commit says, because a forge's webhooks contain the body only. */
async function withKey(forge: WriteForge, changeSet: ChangeSet, pull: PullRequest): Promise<PullRequest> {
  const old = readMarker(pull.body)
  if (old?.keys.includes(changeSet.key)) return pull
  const body = withMarker(pull.body, joinMarkers(old, ownMarker(changeSet)), forge.maxBodyChars)
  return forge.updatePullRequest(changeSet.repository, pull.number, { body })
}

function isNewer(pull: PullRequest, changeSet: ChangeSet): boolean {
  return orderOf(pull) > (changeSet.order ?? Number.NEGATIVE_INFINITY)
}

function orderOf({ body }: PullRequest): number {
  return readMarker(body)?.order ?? Number.NEGATIVE_INFINITY
}

/** This change set's own commit on the branch of a pull request; null when there is none. */
export async function commitOf(
  forge: WriteForge,
  { repository, key }: ChangeSet,
  pull: PullRequest,
): Promise<string | null> {
  for (const commit of await forge.commitsBetween(repository, pull.baseSha, pull.headSha)) {
    const found = await readCommit(forge, repository, commit)
    if (found.isOurs && isCommitOf(found, key)) return commit.sha
  }
  return null
}

async function updatePullRequest(
  forge: WriteForge,
  changeSet: ChangeSet,
  found: PullRequest,
): Promise<Published | null> {
  // Before the commit: what was to merge by itself is the change set that it was opened for.
  if (changeSet.autoMerge === undefined && isSameAccount(found.autoMergeBy, changeSet.account)) {
    await forge.disableAutoMerge(changeSet.repository, found.number)
  }
  const placed = await commitToBranch(forge, changeSet, { branch: found.head, own: false })
  if (placed.state === 'gone') return null
  // Merged meanwhile means that the commit may have come too late, and the change set needs its
  // own.
  const pull = await describePullRequest(forge, changeSet, { head: found.head, own: ownMarker(changeSet) })
  if (pull === null) return null
  if (placed.state === 'superseded') await noteLate(forge, changeSet, pull)
  return { pull, sha: placed.state === 'committed' ? (placed.sha ?? null) : null, created: false }
}

async function leaveTo(forge: WriteForge, changeSet: ChangeSet, newer: PullRequest): Promise<Published> {
  const pull = await withKey(forge, changeSet, newer)
  await noteLate(forge, changeSet, pull)
  return { pull, sha: null, created: false }
}

/** Says what came after a newer one: its files are not on the pull request, and would undo that. */
async function noteLate(forge: WriteForge, { repository, key, note }: ChangeSet, pull: PullRequest): Promise<void> {
  if (note === undefined) return
  const target = { pullRequest: pull.number }
  const [there] = await findOwn(forge, repository, await forge.comments(repository, target), key)
  if (there !== undefined) return
  const text = `Arrived after a newer one, so it changes nothing here:\n\n${note}`
  await forge.createComment(repository, target, withMarker(text, { keys: [key] }, forge.maxBodyChars))
}

/** What a pull request's hidden marker says of one change set. */
export function ownMarker({ key, series, order }: ChangeSet): Marker {
  return { keys: [key], series, order }
}
