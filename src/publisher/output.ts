// What an agent may ask to have written to the forge. Data only.

/** One commit on a branch of its own, and the pull request for it. */
export type PullRequestOutput = {
  kind: 'pull_request'
  /** `owner/name`. */
  repository: string
  /** Base branch; the repository's default branch if absent. */
  base?: string
  /** Deterministic: the same work always names the same branch. */
  branch: string
  title: string
  /** Markdown that the agent composed; anything taken from outside was made inert before. */
  body: string
  commitMessage: string
  files: readonly { path: string; content: string }[]
  labels?: readonly string[]
  /** What this pull request stands for, written as a hidden marker: `deployment=<id>`. */
  key: string
  /**
   * What pull requests of the same thing share, written as a hidden marker too:
   * `deploy:<app>:<environment>`.
   */
  series?: string
  /**
   * When the work is of: of two outputs of one series, the higher is newer and a late lower one
   * never overwrites it.
   */
  order?: number
  /**
   * When an open pull request of the same series exists: put this commit on it (default), or open
   * another.
   */
  onOpenPullRequest?: 'update' | 'separate'
}

/** A comment on an issue, pull request or commit. */
export type CommentOutput = {
  kind: 'comment'
  repository: string
  target: { issue: number } | { commit: string }
  body: string
  /** Distinguishes several comments of one job. */
  key: string
}

/** Labels on an issue or pull request, created in the repository when missing. */
export type LabelsOutput = { kind: 'labels'; repository: string; issue: number; labels: readonly string[] }

export type Output = PullRequestOutput | CommentOutput | LabelsOutput

/**
 * What was written: the address to show, and the numbers to find it again. `created` is false when
 * it was there already.
 */
export type Receipt = { url: string; number?: number; branch?: string; sha?: string; created: boolean }
