// What an agent says of a pull request.
import { z } from 'zod'
import { body, changes, commitMessage, common, key, names } from './output-fields.ts'

/** One commit on a branch of its own, and the pull request for it. */
export const pullRequestOutput = z.strictObject({
  kind: z.literal('pull_request'),
  ...common,
  /** Base branch; the repository's default branch if absent. */
  base: z.string().min(1).optional(),
  /** Deterministic: the same change set always names the same branch. */
  branch: z.string().min(1),
  title: z.string().min(1).max(250),
  body,
  /**
   * A few lines of Markdown that say what this change set is. They are shown on the pull request
   * when a newer change set of the series has replaced its body.
   */
  note: z.string().min(1).max(4000).optional(),
  commitMessage,
  changes,
  labels: names.optional(),
  /** Opened as a draft. One that is there already stays as it is. */
  draft: z.boolean().optional(),
  /** Accounts, and teams by slug, that are asked to review. */
  reviewers: names.optional(),
  teamReviewers: names.optional(),
  assignees: names.optional(),
  /** What this pull request stands for, written as a hidden marker: `deployment=<id>`. */
  key,
  /**
   * What pull requests of the same thing share, written as a hidden marker too:
   * `deploy:<project>:<app>:<environment>`.
   */
  series: z.string().min(1).max(200).optional(),
  /**
   * When the change was: of two outputs of one series, the higher is newer and a late lower one
   * never overwrites it.
   */
  order: z.number().optional(),
  /**
   * When an open pull request of the same series exists: put this commit on it (default), or open
   * another.
   */
  onOpenPullRequest: z.enum(['update', 'separate']).optional(),
})

/** What an agent says of a pull request. */
export type PullRequestOutput = z.infer<typeof pullRequestOutput>

/**
 * What is put on a branch by one commit: a pull request output with its base branch known, and the
 * account that writes it, which may be unknown.
 */
export type ChangeSet = PullRequestOutput & { base: string; account: string | null }
