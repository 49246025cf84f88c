// What is known of an event, whoever sent it: the facts that rules and endpoints match on.

/**
 * What is known of an event for matching. A fact the event does not have is absent, and a condition
 * on it does not hold.
 */
export type Facts = {
  /** `forge:path`, or the path alone (`owner/name`) on the default forge. */
  repository?: string
  /** The branch pushed to, or a pull request's base branch. */
  branch?: string
  /** The tag of a release, or a pushed tag. */
  tag?: string
  /** True of a release that is not meant for everybody yet. */
  prerelease?: boolean
  /** The label just added or removed. */
  label?: string
  /** All labels the issue or pull request carries. */
  labels?: string[]
  /** GitHub's action; for a push, `created` or `deleted` when it made or removed the branch. */
  action?: string
  /**
   * Whose the thing is: who opened the issue or pull request, or pushed (a commit's author can be
   * anyone's name). On a comment that is somebody else than who wrote the comment.
   */
  author?: string
  /** The account that did it, by the forge's word, and what it is: `User` or `Bot`. */
  sender?: string
  senderType?: string
  /** Who wrote the text that it brings: the comment or the review, else the issue itself. */
  textAuthor?: string
  /** What `textAuthor` is to the repository, as GitHub says it: `MEMBER`, `NONE`. */
  association?: string
  /** Whether `number` is a pull request's, and whether that comes from another repository. */
  isPullRequest?: boolean
  fromFork?: boolean
  /** Whether the pull request is a draft. */
  isDraft?: boolean
  /** Whether `branch` is the repository's default one, where the sender says so. */
  onDefaultBranch?: boolean
  /** Who began the chain, where a job of this program caused the event. */
  originator?: string
  /** Whether this program wrote what the event reports. */
  self?: boolean
  /** The command that the text gives, `deploy`, and the words after it. */
  command?: string
  arguments?: string[]
  /** Deployments. */
  environment?: string
  app?: string
  project?: string
  /** The id of the endpoint that it says something of. */
  endpoint?: string
  /** The commit it is about, and the or pull request's number. */
  sha?: string
  number?: number
}
