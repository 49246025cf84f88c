// What an agent says of a pull request.
import { z } from 'zod'
import { MERGE_METHODS } from '../forges/forge.ts'
import { body, changes, commitMessage, common, key, names, sha } from './output-fields.ts'

const MAX_TEMPLATE_CHARS = 20_000

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
   * Where each change set of the series is a deployment and writes the same `file`: templates of
   * the title and the body while the pull request holds several, filled with what all of them
   * changed. Without it the newest change set's title and body are the pull request's.
   */
  combined: z
    .strictObject({
      file: z.string().min(1),
      title: z.string().min(1).max(MAX_TEMPLATE_CHARS),
      body: z.string().min(1).max(MAX_TEMPLATE_CHARS).optional(),
    })
    .optional(),
  /**
   * A few lines of Markdown that say what this change set is: a comment, where a newer one of the
   * series is there already.
   */
  note: z.string().min(1).max(4000).optional(),
  commitMessage,
  changes,
  /**
   * The commit that the changes were made for: a new branch begins there, and on one that is there
   * the output fails when one of its files has changed since. Default: the newest of the base.
   */
  parent: sha.optional(),
  labels: names.optional(),
  /** Opened as a draft. One that is there already stays as it is. */
  draft: z.boolean().optional(),
  /**
   * Has the forge merge the pull request that is opened as soon as nothing is missing. Where the
   * forge refuses, the receipt says why.
   */
  autoMerge: z.enum(MERGE_METHODS).optional(),
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
   * another and close that one, because both would change the same files.
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
