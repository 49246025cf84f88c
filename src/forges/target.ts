// What on a forge is commented on or labelled.

/** What can have labels. Not every forge numbers issues and pull requests together. */
export type LabelTarget = { issue: number } | { pullRequest: number }

/** What comments can be about. */
export type CommentTarget = LabelTarget | { commit: string }

/** What people and programs react to: an issue, a pull request, or a comment by its number. */
export type ReactionTarget = LabelTarget | { comment: number } | { reviewComment: number }

/** The number of an issue or pull request. */
export function numberOf(target: LabelTarget): number {
  return 'issue' in target ? target.issue : target.pullRequest
}
