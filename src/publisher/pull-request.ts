// Publishing a pull request: one branch, one commit, one pull request, however often and wherever
// it was interrupted.
import type { PullRequest, WriteForge } from '../forges/forge.ts'
import { GiveUp } from '../lib/error.ts'
import type { Marker } from '../lib/marker.ts'
import { readMarker, withMarker } from '../lib/marker.ts'
import { isCommitOf } from '../lib/trailer.ts'
import { commitToBranch, isSameAccount, readCommit } from './commit-to-branch.ts'
import { missing } from './names.ts'
import type { Note } from './notes.ts'
import { notesSection, withoutNotes } from './notes.ts'
import type { Receipt } from './output.ts'
import type { ChangeSet, PullRequestOutput } from './pull-request-output.ts'

type Published = { pull: PullRequest; sha?: string | undefined; created: boolean }

/**
 * Finds this change set's pull request, or puts its commit on an open one of the same series, or
 * opens one; null when the base already has exactly these files. A merged or closed pull request
 * counts as done: there is never a second.
 */
export async function publishPullRequest(forge: WriteForge, output: PullRequestOutput): Promise<Receipt | null> {
  const changeSet = {
    ...output,
    base: output.base ?? (await forge.defaultBranch(output.repository)),
    account: await forge.account(output.repository),
  }
  const published =
    (await ownPullRequest(forge, changeSet)) ??
    (await joinSeries(forge, changeSet)) ??
    (await openPullRequest(forge, changeSet))
  if (published === null) return null
  const { pull, sha, created } = published
  // Last, so that a repeat after a crash before this finds the pull request without them. A person
  // who closed or merged it is done with it.
  if (pull.state === 'open') await addPeopleAndLabels(forge, changeSet, pull)
  return { url: pull.url, number: pull.number, branch: pull.head, sha: sha ?? pull.headSha, created }
}

async function addPeopleAndLabels(forge: WriteForge, changeSet: ChangeSet, pull: PullRequest): Promise<void> {
  const { repository } = changeSet
  const { number } = pull
  const labels = missing(changeSet.labels ?? [], pull.labels)
  if (labels.length > 0) await forge.addLabels(repository, { pullRequest: number }, labels)
  const assignees = missing(changeSet.assignees ?? [], pull.assignees)
  if (assignees.length > 0) await forge.addAssignees(repository, number, assignees)
  const teamReviewers = missing(changeSet.teamReviewers ?? [], pull.teamReviewers)
  const asked = missing(changeSet.reviewers ?? [], [...pull.reviewers, pull.author ?? ''])
  // Whoever has reviewed is not asked any more, and must not be asked again by a repeat.
  const done = asked.length > 0 ? await forge.reviews(repository, number) : []
  const reviewers = missing(
    asked,
    done.map(({ author }) => author ?? ''),
  )
  if (reviewers.length + teamReviewers.length === 0) return
  await forge.requestReviewers(repository, number, { reviewers, teamReviewers })
}

/**
 * The pull request of this change set's own branch.
 * @throws GiveUp when somebody else opened it, for commits of theirs.
 */
async function ownPullRequest(forge: WriteForge, changeSet: ChangeSet): Promise<Published | null> {
  const { repository, branch } = changeSet
  const pulls = await forge.pullRequests(repository, { head: branch, state: 'all' })
  const ofBranch = pulls.filter((pull) => !pull.fromFork)
  const pull = ofBranch.find(({ state }) => state === 'open') ?? ofBranch[0]
  if (pull === undefined) return null
  // A person may have opened it, for our own branch, whose run was interrupted.
  if ((await forge.isOwn(repository, pull.author)) || (await hasCommit(forge, changeSet, pull))) {
    return { pull, created: false }
  }
  throw new GiveUp(`The branch ${branch} of ${repository} has somebody else's pull request: ${pull.url}`)
}

async function openPullRequest(forge: WriteForge, changeSet: ChangeSet): Promise<Published | null> {
  const placed = await commitToBranch(forge, changeSet, { branch: changeSet.branch, own: true })
  if (placed.state === 'unchanged') return null
  const { repository, branch: head, base, title } = changeSet
  const notes = notesSection('', ownNote(changeSet))
  const body = withMarker(changeSet.body, ownMarker(changeSet), forge.maxBodyChars, notes)
  const { draft } = changeSet
  const pull = await forge.createPullRequest(repository, { head, base, title, body, draft })
  if (pull !== null) return { pull, sha: placed.sha, created: true }
  const theirs = await ownPullRequest(forge, changeSet)
  if (theirs === null) {
    throw new Error(`The forge says that ${head} has an open pull request, but does not show it yet.`)
  }
  return { ...theirs, sha: placed.sha }
}

/**
 * The pull request of another change set of its series that this one went on, or goes on; null when
 * it needs its own.
 */
async function joinSeries(forge: WriteForge, changeSet: ChangeSet): Promise<Published | null> {
  const { repository, series, onOpenPullRequest = 'update' } = changeSet
  if (series === undefined || onOpenPullRequest === 'separate') return null
  // A branch of its own without a pull request is an interrupted run: that one is to be finished.
  if ((await forge.branchSha(repository, changeSet.branch)) !== null) return null
  const done = await settledBy(forge, changeSet)
  if (done !== undefined) return { pull: done, created: false }
  const open = (await forge.pullRequests(repository, { state: 'open' })).filter((pull) => isOfSeries(pull, changeSet))
  // The oldest, so that a repeat chooses the same one whatever was opened since.
  const pull = open.find(({ body }) => readMarker(body)?.keys.includes(changeSet.key)) ?? open.at(-1)
  return pull === undefined ? null : updatePullRequest(forge, changeSet, pull)
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
async function settledBy(forge: WriteForge, changeSet: ChangeSet): Promise<PullRequest | undefined> {
  const all = await forge.pullRequests(changeSet.repository, { state: 'all' })
  const closed = all.filter((pull) => pull.state !== 'open' && isOfSeries(pull, changeSet))
  const merged = closed.filter(({ state }) => state === 'merged')
  for (const pull of closed) {
    // An update may have died between its commit and the key in the body; it was on the last one
    // then.
    const mayContain = pull === merged[0] || readMarker(pull.body)?.keys.includes(changeSet.key)
    if (mayContain && (await containsChangeSet(forge, changeSet, pull))) return withKey(forge, changeSet, pull)
  }
  return merged.find((pull) => isNewer(pull, changeSet))
}

/** Says in the body what the commit says, because a forge's webhooks contain the body only. */
async function withKey(forge: WriteForge, changeSet: ChangeSet, pull: PullRequest): Promise<PullRequest> {
  const old = readMarker(pull.body)
  if (old?.keys.includes(changeSet.key)) return pull
  const body = withMarker(pull.body, joinMarkers(old, ownMarker(changeSet)), forge.maxBodyChars)
  return forge.updatePullRequest(changeSet.repository, pull.number, { body })
}

function isNewer(pull: PullRequest, changeSet: ChangeSet): boolean {
  return (readMarker(pull.body)?.order ?? Number.NEGATIVE_INFINITY) > (changeSet.order ?? Number.NEGATIVE_INFINITY)
}

/**
 * A key in the body of a merged pull request is not enough: its commit may have been pushed just
 * after the merge.
 */
async function containsChangeSet(forge: WriteForge, changeSet: ChangeSet, pull: PullRequest): Promise<boolean> {
  if (isNewer(pull, changeSet) && readMarker(pull.body)?.keys.includes(changeSet.key)) return true
  return hasCommit(forge, changeSet, pull)
}

async function hasCommit(forge: WriteForge, { repository, key }: ChangeSet, pull: PullRequest): Promise<boolean> {
  for (const commit of await forge.commitsBetween(repository, pull.baseSha, pull.headSha)) {
    const found = await readCommit(forge, repository, commit)
    if (found.isOurs && isCommitOf(found, key)) return true
  }
  return false
}

async function updatePullRequest(
  forge: WriteForge,
  changeSet: ChangeSet,
  found: PullRequest,
): Promise<Published | null> {
  const placed = await commitToBranch(forge, changeSet, { branch: found.head, own: false })
  if (placed.state === 'gone') return null
  // Looked up again: merged meanwhile means that the commit may have come too late, and the
  // change set needs its own.
  const [pull] = await forge.pullRequests(changeSet.repository, { head: found.head, state: 'open' })
  if (pull === undefined) return null
  const marker = joinMarkers(readMarker(pull.body), ownMarker(changeSet))
  const isNewest = placed.state !== 'superseded' && (marker.order ?? 0) <= (changeSet.order ?? 0)
  const notes = notesSection(pull.body, ownNote(changeSet))
  const own = isNewest ? changeSet.body : withoutNotes(pull.body)
  const body = withMarker(own, marker, forge.maxBodyChars, notes)
  const title = isNewest ? changeSet.title : pull.title
  if (body === pull.body && title === pull.title) return { pull, sha: placed.sha, created: false }
  const updated = await forge.updatePullRequest(changeSet.repository, pull.number, { title, body })
  return updated.state === 'open' ? { pull: updated, sha: placed.sha, created: false } : null
}

function ownNote({ key, order, note }: ChangeSet): Note | null {
  return note === undefined ? null : { key, ...(order === undefined ? {} : { order }), text: note }
}

function ownMarker({ key, series, order }: ChangeSet): Marker {
  return { keys: [key], series, order }
}

function joinMarkers(old: Marker | null, own: Marker): Marker {
  return {
    keys: [...(old?.keys ?? []).filter((key) => !own.keys.includes(key)), ...own.keys],
    series: own.series,
    order: old?.order === undefined ? own.order : Math.max(old.order, own.order ?? old.order),
  }
}
