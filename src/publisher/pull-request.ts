// Publishing a pull request: one branch, one commit, one pull request, however often and wherever
// it was interrupted.
import type { PullRequest, WriteForge } from '../forges/forge.ts'
import { GiveUp } from '../lib/error.ts'
import { readMarker, withMarker } from '../lib/marker.ts'
import { commitToBranch, readCommit } from './commit-to-branch.ts'
import { withFilesUrl } from './description.ts'
import { missing } from './names.ts'
import type { Receipt } from './output.ts'
import type { ChangeSet, PullRequestOutput } from './pull-request-output.ts'
import type { Published } from './series.ts'
import { closeOlder, commitOf, joinSeries, ownMarker } from './series.ts'

/**
 * Finds this change set's pull request, or puts its commit on an open one of the same series, or
 * opens one; null when the base already has exactly these files. A merged or closed pull request
 * counts as done: there is never a second. The receipt's `sha` is this change set's own commit.
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
  const refused = await setAutoMerge(forge, changeSet, pull)
  if (pull.state === 'open') await closeOlder(forge, changeSet)
  return {
    url: pull.url,
    number: pull.number,
    branch: pull.head,
    ...(sha !== null && { sha }),
    created,
    ...(refused !== null && { note: `It does not merge by itself: ${refused}` }),
  }
}

/**
 * Only for the pull request of its own branch, and only while all its commits are ours: what
 * others push is for people to merge. Returns why it is not done.
 */
async function setAutoMerge(forge: WriteForge, changeSet: ChangeSet, pull: PullRequest): Promise<string | null> {
  const { repository, branch, autoMerge: method } = changeSet
  if (method === undefined || pull.state !== 'open' || pull.head !== branch) return null
  const commits = await forge.commitsBetween(repository, pull.baseSha, pull.headSha)
  const read = await Promise.all(commits.map((commit) => readCommit(forge, repository, commit)))
  if (read.length === 0 || !read.every(({ isOurs }) => isOurs)) return "it has commits of somebody else's."
  return forge.enableAutoMerge(repository, pull.number, { method, sha: pull.headSha })
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
 * @throws GiveUp when somebody else opened it, or it is of another change set.
 */
async function ownPullRequest(forge: WriteForge, changeSet: ChangeSet): Promise<Published | null> {
  const { repository, branch, key } = changeSet
  const pulls = await forge.pullRequests(repository, { head: branch, state: 'all' })
  const ofBranch = pulls.filter((pull) => !pull.fromFork)
  const pull = ofBranch.find(({ state }) => state === 'open') ?? ofBranch[0]
  if (pull === undefined) return null
  // A person may have opened it, for our own branch, whose run was interrupted; and may have taken
  // the key out of its body.
  const sha = await commitOf(forge, changeSet, pull)
  const isOwn = await forge.isOwn(repository, pull.author)
  const keys = readMarker(pull.body)?.keys
  if (sha !== null || (isOwn && keys?.includes(key) !== false)) return { pull, sha, created: false }
  const whose = isOwn ? "another change's" : "somebody else's"
  throw new GiveUp(`The branch ${branch} of ${repository} has ${whose} pull request: ${pull.url}`)
}

async function openPullRequest(forge: WriteForge, changeSet: ChangeSet): Promise<Published | null> {
  const placed = await commitToBranch(forge, changeSet, { branch: changeSet.branch, own: true })
  if (placed.state === 'unchanged') return null
  const { repository, branch: head, base, title, draft } = changeSet
  const sha = placed.sha ?? null
  const text = sha === null ? changeSet.body : withFilesUrl(forge, changeSet, { text: changeSet.body, sha })
  const body = withMarker(text, ownMarker(changeSet), forge.maxBodyChars)
  const pull = await forge.createPullRequest(repository, { head, base, title, body, draft })
  if (pull !== null) return { pull, sha, created: true }
  const theirs = await ownPullRequest(forge, changeSet)
  if (theirs === null) {
    throw new Error(`The forge says that ${head} has an open pull request, but does not show it yet.`)
  }
  return { ...theirs, sha }
}
