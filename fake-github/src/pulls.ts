// Pull requests and issues as things that are opened, closed and labelled, each with its events.
import type { Actor } from './events.ts'
import { emit, isHeard } from './events.ts'
import type { Milestone } from './records.ts'
import { accountShape } from './shapes/accounts.ts'
import { issueShape, labelShape, milestoneShape } from './shapes/issues.ts'
import { pullShape } from './shapes/pulls.ts'
import type { Account, Issue, Label, PullIssue, Repository } from './state.ts'

/** True for issues that are pull requests. */
export function isPull(issue: Issue): issue is PullIssue {
  return issue.pull !== null
}

/** All open pull requests. */
export function openPulls(repo: Repository): PullIssue[] {
  return [...repo.issues.values()].filter(isPull).filter((issue) => issue.state === 'open')
}

/** Emits `pull_request` or `issues` with the thing as it is now. */
export async function emitIssue(
  actor: Actor,
  issue: Issue,
  action: string,
  more: Record<string, unknown> = {},
): Promise<void> {
  const { hub, repo } = actor
  if (!isHeard(hub, repo, isPull(issue) ? 'pull_request' : 'issues')) return
  if (isPull(issue)) {
    const shape = await pullShape(hub, repo, issue)
    emit(actor, 'pull_request', { action, number: issue.number, pull_request: shape, ...more })
  } else emit(actor, 'issues', { action, issue: issueShape(hub, repo, issue), ...more })
}

/** Opens or closes; doing what is already so changes nothing and emits nothing. */
export async function setIssueState(
  actor: Actor,
  issue: Issue,
  state: 'open' | 'closed',
  reason: string | null,
): Promise<void> {
  if (issue.state === state) return
  const { hub, account } = actor
  issue.state = state
  issue.stateReason = isPull(issue) ? null : (reason ?? (state === 'closed' ? 'completed' : 'reopened'))
  issue.closedAtMs = state === 'closed' ? hub.clock() : null
  issue.closedBy = state === 'closed' ? account : null
  issue.updatedAtMs = hub.clock()
  await emitIssue(actor, issue, state === 'closed' ? 'closed' : 'reopened')
}

/** Closes a pull request, merged or not. */
export function closePull(actor: Actor, issue: PullIssue): Promise<void> {
  return setIssueState(actor, issue, 'closed', null)
}

/** The label of that name (case ignored), made on the spot when there is none. */
function ensureLabel(actor: Actor, name: string): Label {
  const { hub, repo } = actor
  const known = findLabel(repo, name)
  if (known) return known
  const label: Label = { id: hub.state.nextId(), name, color: 'ededed', description: null }
  repo.labels.push(label)
  emit(actor, 'label', { action: 'created', label: labelShape(hub, repo, label) })
  return label
}

/** The label of that name, whatever the case. */
export function findLabel(repo: Repository, name: string): Label | undefined {
  return repo.labels.find((label) => label.name.toLowerCase() === name.toLowerCase())
}

/** Makes the issue carry exactly these labels, with an event for each that comes or goes. */
export async function setLabels(actor: Actor, issue: Issue, names: string[]): Promise<void> {
  const { hub, repo, account } = actor
  const wanted = new Set(names.map((name) => ensureLabel(actor, name)))
  const before = new Set(issue.labels)
  issue.labels = [...wanted]
  const changes = [
    ...[...before].filter((label) => !wanted.has(label)).map((label) => ['unlabeled', label] as const),
    ...[...wanted].filter((label) => !before.has(label)).map((label) => ['labeled', label] as const),
  ]
  if (changes.length > 0) issue.updatedAtMs = hub.clock()
  for (const [action, label] of changes) {
    const about = { label, by: account, event: action, atMs: hub.clock() }
    issue.labelings.push({ ...about, id: hub.state.nextId() })
    await emitIssue(actor, issue, action, { label: labelShape(hub, repo, label) })
  }
}

/** Assigns the issue to exactly these, with an event for each that comes or goes. */
export async function setAssignees(actor: Actor, issue: Issue, accounts: Account[]): Promise<void> {
  const before = issue.assignees
  issue.assignees = [...new Set(accounts)]
  const changes = [
    ...before
      .filter((account) => !issue.assignees.includes(account))
      .map((account) => ['unassigned', account] as const),
    ...issue.assignees.filter((account) => !before.includes(account)).map((account) => ['assigned', account] as const),
  ]
  if (changes.length > 0) issue.updatedAtMs = actor.hub.clock()
  for (const [action, account] of changes) {
    await emitIssue(actor, issue, action, { assignee: accountShape(actor.hub, account) })
  }
}

/** Puts the issue under a milestone, or under none. */
export async function setMilestone(actor: Actor, issue: Issue, milestone: Milestone | null): Promise<void> {
  const { hub, repo } = actor
  const before = issue.milestone
  if (before === milestone) return
  issue.milestone = milestone
  issue.updatedAtMs = hub.clock()
  if (before) await emitIssue(actor, issue, 'demilestoned', { milestone: milestoneShape(hub, repo, before) })
  if (milestone) await emitIssue(actor, issue, 'milestoned', { milestone: milestoneShape(hub, repo, milestone) })
}
