// What an event says of a pull request, in the same words whichever forge it is on.

/** The state of a pull request (or merge request) when its event was sent. */
export type PullRequest = {
  /** `forge:path`, or the path alone on the default forge. */
  repository: string
  number: number
  url: string
  state: 'open' | 'closed' | 'merged'
  /** Whether this event opened it again. */
  reopened: boolean
  /** The commit on the base branch, and who made it: null unless merged. */
  mergeSha: string | null
  mergedBy: string | null
  /** When it was merged, where the forge says so. */
  mergedAt?: Date | null
  head: {
    /** The name of its branch. */
    ref: string
    /** Whether the branch is in another repository, whose owner may be anybody. */
    fromFork: boolean
  }
  /** Its description, as its author wrote it. */
  body: string | null
  /** The forge's own time of the change: a late webhook must not undo a newer one. */
  updatedAt: Date
}
