// What a forge does with checks and statuses of commits.

/** What a check says of some lines of a file. */
export type Annotation = {
  path: string
  startLine: number
  endLine: number
  level: 'notice' | 'warning' | 'failure'
  message: string
  title?: string | undefined
}

/** How a check ended. */
export type Conclusion = 'success' | 'failure' | 'neutral' | 'cancelled' | 'skipped' | 'timed_out' | 'action_required'

/** How a check stands; a completed one has a conclusion. */
export type CheckState = {
  status: 'queued' | 'in_progress' | 'completed'
  conclusion?: Conclusion | undefined
  title: string
  summary: string
  text?: string | undefined
  detailsUrl?: string | undefined
}

/** A check of a commit; `externalId` is ours, by which it is found again. */
export type NewCheck = CheckState & { sha: string; name: string; externalId: string }

/** A check that is there, with how many annotations it has. */
export type Check = {
  id: number
  url: string
  externalId: string
  status: string
  conclusion: string | null
  title: string
  summary: string
  /** The account of the App that made it. */
  author: string | null
  annotations: number
}

/** A status of a commit, by its name in `context`. */
export type CommitStatus = {
  state: 'error' | 'failure' | 'pending' | 'success'
  context: string
  /** At most 140 characters. */
  description: string
  targetUrl?: string | undefined
}

/** The part of a forge that reports on commits. */
export type CheckForge = {
  /** The most annotations that one request adds. */
  readonly maxAnnotations: number
  /**
   * The checks of a commit with a name, newest first; the newest 1,000 are returned. None where the
   * token may not see them.
   */
  checks(repository: string, sha: string, name: string): Promise<Check[]>
  /**
   * Makes a check; null when this token can make none.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  createCheck(
    repository: string,
    check: NewCheck,
    annotations: readonly Annotation[],
  ): Promise<{ id: number; url: string } | null>
  /**
   * Changes a check, and adds annotations to those it has.
   * @throws RetryAt when no answer came: it may change a little later, so look at it then.
   */
  updateCheck(repository: string, id: number, state: CheckState, annotations: readonly Annotation[]): Promise<void>
  /** The newest status of that name; null without one. */
  commitStatus(
    repository: string,
    sha: string,
    context: string,
  ): Promise<(CommitStatus & { author: string | null }) | null>
  /** Writes a status, which replaces an earlier one of its name. */
  createCommitStatus(repository: string, sha: string, status: CommitStatus): Promise<void>
}
