// What the default branch asks of a pull request before it can be merged.
import type { PullIssue, Repository } from './state.ts'

/** The required checks that have not passed at the head of a pull request. */
export function missingChecks(repo: Repository, { pull }: PullIssue): string[] {
  if (pull.base.ref !== repo.defaultBranch) return []
  return repo.requiredChecks.filter((name) => !hasPassed(repo, pull.head.sha, name))
}

/** Whether a pull request cannot be merged yet. */
export function isBlocked(repo: Repository, issue: PullIssue): boolean {
  return missingChecks(repo, issue).length > 0
}

/** Whether the newest status or check of that name is a success. */
function hasPassed(repo: Repository, sha: string, name: string): boolean {
  const status = repo.statuses.findLast((each) => each.sha === sha && each.context === name)
  const run = [...repo.checkRuns.values()].findLast((each) => each.suite.sha === sha && each.name === name)
  return status?.state === 'success' || ['success', 'neutral', 'skipped'].includes(run?.conclusion ?? '')
}
