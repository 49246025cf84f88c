// What a forge does with issues.

/** An issue. */
export type Issue = {
  number: number
  url: string
  state: 'open' | 'closed'
  title: string
  body: string
  author: string | null
  labels: string[]
  assignees: string[]
  /** Whether only those who may write can comment. */
  isLocked: boolean
  /** Whether it is a pull request, which GitHub makes an issue, too. */
  isPullRequest: boolean
}

/** Why an issue is closed. */
export type CloseReason = 'completed' | 'not_planned'

/** The part of a forge that opens and closes issues. */
export type IssueForge = {
  /** The issue or pull request of that number; null when there is none, or none any more. */
  issue(repository: string, number: number): Promise<Issue | null>
  /** The issues that our account opened, newest first; the newest 1,000 are returned. */
  ownIssues(repository: string): Promise<Issue[]>
  /**
   * Opens an issue.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  createIssue(repository: string, issue: { title: string; body: string }): Promise<Issue>
  updateIssue(
    repository: string,
    number: number,
    change: { title?: string; body?: string; state?: 'open' | 'closed'; reason?: CloseReason | undefined },
  ): Promise<Issue>
  /** Assigns an issue or pull request to accounts too; those who cannot be are left out. */
  addAssignees(repository: string, number: number, logins: readonly string[]): Promise<void>
}
