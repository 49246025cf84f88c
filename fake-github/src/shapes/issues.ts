// Labels, issues, comments and releases as GitHub shows them.
import type { Hub } from '../hub.ts'
import { isoTime, isoTimeOrNull } from '../hub.ts'
import type { Milestone, Reaction } from '../records.ts'
import type { CommitComment, Issue, IssueComment, Label, Release, Repository } from '../state.ts'
import { accountShape, appShape, associationOf } from './accounts.ts'
import { nodeId } from './node-id.ts'
import { repositoryPage, repositoryUrl } from './repositories.ts'

/** A label. */
export function labelShape(hub: Hub, repo: Repository, label: Label) {
  return {
    id: label.id,
    node_id: nodeId('Label', label.id),
    url: `${repositoryUrl(hub, repo)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: label.description,
  }
}

/** That somebody gave or took a label; the fake keeps no other events of issues. */
export function labelingShape(hub: Hub, repo: Repository, { id, label, by, event, atMs }: Issue['labelings'][number]) {
  return {
    id,
    node_id: nodeId('LabeledEvent', id),
    url: `${repositoryUrl(hub, repo)}/issues/events/${id}`,
    actor: accountShape(hub, by),
    event,
    commit_id: null,
    commit_url: null,
    created_at: isoTime(atMs),
    label: { name: label.name, color: label.color },
    performed_via_github_app: null,
  }
}

/** Counts of reactions. */
export function reactionsShape(url: string, reactions: Reaction[]) {
  const counts = { '+1': 0, '-1': 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 }
  for (const { content } of reactions) counts[content]++
  return { url: `${url}/reactions`, total_count: reactions.length, ...counts }
}

/** A reaction. */
export function reactionShape(hub: Hub, reaction: Reaction) {
  return {
    id: reaction.id,
    node_id: nodeId('Reaction', reaction.id),
    user: accountShape(hub, reaction.user),
    content: reaction.content,
    created_at: isoTime(reaction.createdAtMs),
  }
}

/** A milestone. */
export function milestoneShape(hub: Hub, repo: Repository, milestone: Milestone) {
  const url = `${repositoryUrl(hub, repo)}/milestones/${milestone.number}`
  const issues = [...repo.issues.values()].filter((issue) => issue.milestone === milestone)
  const open = issues.filter(({ state }) => state === 'open').length
  return {
    url,
    html_url: `${repositoryPage(hub, repo)}/milestone/${milestone.number}`,
    labels_url: `${url}/labels`,
    id: milestone.id,
    node_id: nodeId('Milestone', milestone.id),
    number: milestone.number,
    state: milestone.state,
    title: milestone.title,
    description: milestone.description,
    creator: accountShape(hub, milestone.creator),
    open_issues: open,
    closed_issues: issues.length - open,
    created_at: isoTime(milestone.createdAtMs),
    updated_at: isoTime(milestone.updatedAtMs),
    closed_at: isoTimeOrNull(milestone.closedAtMs),
    due_on: isoTimeOrNull(milestone.dueOnMs),
  }
}

/** The page of an issue or pull request. */
export function issuePage(hub: Hub, repo: Repository, issue: Issue): string {
  return `${repositoryPage(hub, repo)}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`
}

/** How many comments an issue has. */
export function commentCount(repo: Repository, issue: Issue): number {
  return [...repo.issueComments.values()].filter((comment) => comment.issue === issue).length
}

/** An issue; a pull request too, seen as one. */
export function issueShape(hub: Hub, repo: Repository, issue: Issue) {
  const url = `${repositoryUrl(hub, repo)}/issues/${issue.number}`
  const html = issuePage(hub, repo, issue)
  const pull = issue.pull && {
    url: `${repositoryUrl(hub, repo)}/pulls/${issue.number}`,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    merged_at: isoTimeOrNull(issue.pull.mergedAtMs),
  }
  return {
    url,
    repository_url: repositoryUrl(hub, repo),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: html,
    id: issue.id,
    node_id: nodeId('Issue', issue.id),
    number: issue.number,
    title: issue.title,
    user: accountShape(hub, issue.user),
    labels: issue.labels.map((label) => labelShape(hub, repo, label)),
    state: issue.state,
    locked: issue.locked,
    assignee: issue.assignees[0] ? accountShape(hub, issue.assignees[0]) : null,
    assignees: issue.assignees.map((account) => accountShape(hub, account)),
    milestone: issue.milestone && milestoneShape(hub, repo, issue.milestone),
    comments: commentCount(repo, issue),
    created_at: isoTime(issue.createdAtMs),
    updated_at: isoTime(issue.updatedAtMs),
    closed_at: isoTimeOrNull(issue.closedAtMs),
    author_association: associationOf(repo, issue.user),
    active_lock_reason: issue.lockReason,
    ...(pull && { draft: issue.pull?.draft, pull_request: pull }),
    body: issue.body,
    reactions: reactionsShape(url, issue.reactions),
    timeline_url: `${url}/timeline`,
    performed_via_github_app: issue.app && appShape(hub, issue.app),
    state_reason: issue.stateReason,
  }
}

/** A comment on an issue or pull request. */
export function issueCommentShape(hub: Hub, repo: Repository, comment: IssueComment) {
  const url = `${repositoryUrl(hub, repo)}/issues/comments/${comment.id}`
  return {
    url,
    html_url: `${issuePage(hub, repo, comment.issue)}#issuecomment-${comment.id}`,
    issue_url: `${repositoryUrl(hub, repo)}/issues/${comment.issue.number}`,
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    user: accountShape(hub, comment.user),
    created_at: isoTime(comment.createdAtMs),
    updated_at: isoTime(comment.updatedAtMs),
    author_association: associationOf(repo, comment.user),
    body: comment.body,
    reactions: reactionsShape(url, comment.reactions),
    performed_via_github_app: comment.app && appShape(hub, comment.app),
  }
}

/** A comment on a commit. */
export function commitCommentShape(hub: Hub, repo: Repository, comment: CommitComment) {
  const url = `${repositoryUrl(hub, repo)}/comments/${comment.id}`
  return {
    url,
    html_url: `${repositoryPage(hub, repo)}/commit/${comment.sha}#commitcomment-${comment.id}`,
    id: comment.id,
    node_id: nodeId('CommitComment', comment.id),
    user: accountShape(hub, comment.user),
    position: comment.position,
    line: comment.line,
    path: comment.path,
    commit_id: comment.sha,
    created_at: isoTime(comment.createdAtMs),
    updated_at: isoTime(comment.updatedAtMs),
    author_association: associationOf(repo, comment.user),
    body: comment.body,
    reactions: reactionsShape(url, comment.reactions),
  }
}

/** A release. */
export function releaseShape(hub: Hub, repo: Repository, release: Release) {
  const url = `${repositoryUrl(hub, repo)}/releases/${release.id}`
  return {
    url,
    assets_url: `${url}/assets`,
    upload_url: `${url}/assets{?name,label}`,
    html_url: `${repositoryPage(hub, repo)}/releases/tag/${encodeURIComponent(release.tag)}`,
    id: release.id,
    author: accountShape(hub, release.author),
    node_id: nodeId('Release', release.id),
    tag_name: release.tag,
    target_commitish: release.target,
    name: release.name,
    draft: release.draft,
    immutable: false,
    prerelease: release.prerelease,
    created_at: isoTime(release.createdAtMs),
    updated_at: isoTime(release.createdAtMs),
    published_at: isoTimeOrNull(release.publishedAtMs),
    assets: [],
    tarball_url: `${repositoryUrl(hub, repo)}/tarball/${encodeURIComponent(release.tag)}`,
    zipball_url: `${repositoryUrl(hub, repo)}/zipball/${encodeURIComponent(release.tag)}`,
    body: release.body,
  }
}
