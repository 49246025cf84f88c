// Pull requests as GitHub shows them; counts and mergeability come from git at the moment of
// asking.

import { readRef } from '../git.ts'
import { diffCounts } from '../git-diff.ts'
import { commitsAhead, mergeBase, mergeTrees } from '../git-history.ts'
import type { Hub } from '../hub.ts'
import { isoTimeOrNull } from '../hub.ts'
import { isBlocked } from '../required-checks.ts'
import type { Pull, PullIssue, Repository } from '../state.ts'
import { accountShape } from './accounts.ts'
import { commentCount, issuePage, issueShape } from './issues.ts'
import { nodeId } from './node-id.ts'
import { repositoryShape, repositoryUrl } from './repositories.ts'
import { teamShape } from './teams.ts'

/** A pull request as it stands in a list. */
export function pullListShape(hub: Hub, repo: Repository, issue: PullIssue) {
  const { pull } = issue
  const api = repositoryUrl(hub, repo)
  const url = `${api}/pulls/${issue.number}`
  const html = issuePage(hub, repo, issue)
  const issueUrl = `${api}/issues/${issue.number}`
  const urls = {
    html_url: html,
    issue_url: issueUrl,
    comments_url: `${issueUrl}/comments`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    commits_url: `${url}/commits`,
    statuses_url: `${api}/statuses/${pull.head.sha}`,
  }
  const seen = issueShape(hub, repo, issue)
  const links = Object.entries({ self_url: url, ...urls }).map(([name, href]) => [name.replace('_url', ''), { href }])
  return {
    url,
    id: issue.id,
    node_id: nodeId('PullRequest', issue.id),
    ...urls,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    number: issue.number,
    state: issue.state,
    locked: seen.locked,
    title: issue.title,
    user: seen.user,
    body: issue.body,
    created_at: seen.created_at,
    updated_at: seen.updated_at,
    closed_at: seen.closed_at,
    merged_at: isoTimeOrNull(pull.mergedAtMs),
    merge_commit_sha: pull.mergeCommitSha,
    assignee: seen.assignee,
    assignees: seen.assignees,
    requested_reviewers: pull.requestedReviewers.map((account) => accountShape(hub, account)),
    requested_teams: pull.requestedTeams.map((team) => teamShape(hub, team)),
    labels: seen.labels,
    milestone: seen.milestone,
    draft: pull.draft,
    head: sideShape(hub, repo, pull.head),
    base: sideShape(hub, repo, pull.base),
    _links: Object.fromEntries(links),
    author_association: seen.author_association,
    auto_merge: pull.autoMerge && {
      enabled_by: accountShape(hub, pull.autoMerge.enabledBy),
      merge_method: pull.autoMerge.method,
      commit_title: pull.autoMerge.title,
      commit_message: pull.autoMerge.message,
    },
    active_lock_reason: seen.active_lock_reason,
  }
}

function sideShape(hub: Hub, repo: Repository, side: { ref: string; sha: string }) {
  return {
    label: `${repo.owner.login}:${side.ref}`,
    ref: side.ref,
    sha: side.sha,
    user: accountShape(hub, repo.owner),
    repo: repositoryShape(hub, repo),
  }
}

/** The commit a pull request's changes are measured from. */
export async function pullBase(repo: Repository, pull: Pull): Promise<string> {
  return (await mergeBase(repo.dir, pull.base.sha, pull.head.sha)) ?? pull.base.sha
}

/** The commits a pull request adds, oldest first. */
export function pullCommits(repo: Repository, pull: Pull): Promise<string[]> {
  return commitsAhead(repo.dir, pull.base.sha, pull.head.sha)
}

/**
 * A pull request with everything that only `GET /repos/{owner}/{repo}/pulls/{pull_number}` and
 * webhooks have.
 */
export async function pullShape(hub: Hub, repo: Repository, issue: PullIssue) {
  const { pull } = issue
  const [files, commits, mergeable] = await Promise.all([
    pullBase(repo, pull).then((base) => diffCounts(repo.dir, base, pull.head.sha)),
    pullCommits(repo, pull),
    isMergeable(repo, issue),
  ])
  const sum = (pick: 'additions' | 'deletions') => files.reduce((total, file) => total + file[pick], 0)
  return {
    ...pullListShape(hub, repo, issue),
    merged: pull.merged,
    mergeable,
    rebaseable: mergeable,
    mergeable_state: mergeableState(repo, issue, mergeable),
    merged_by: pull.mergedBy && accountShape(hub, pull.mergedBy),
    comments: commentCount(repo, issue),
    review_comments: reviewCommentCount(repo, issue),
    maintainer_can_modify: pull.maintainerCanModify,
    commits: commits.length,
    additions: sum('additions'),
    deletions: sum('deletions'),
    changed_files: files.length,
  }
}

function reviewCommentCount(repo: Repository, issue: PullIssue): number {
  return [...repo.reviewComments.values()].filter(({ review }) => review.issue === issue && review.submittedAtMs).length
}

async function isMergeable(repo: Repository, issue: PullIssue): Promise<boolean | null> {
  if (issue.state === 'closed') return null
  const base = await readRef(repo.dir, `refs/heads/${issue.pull.base.ref}`)
  return base !== null && (await mergeTrees(repo.dir, base, issue.pull.head.sha)) !== null
}

function mergeableState(repo: Repository, issue: PullIssue, mergeable: boolean | null): string {
  if (mergeable === null) return 'unknown'
  if (!mergeable) return 'dirty'
  if (issue.pull.draft) return 'draft'
  return isBlocked(repo, issue) ? 'blocked' : 'clean'
}
