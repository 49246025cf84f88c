// What an agent may ask to have written to the forge: data only, checked before it is stored.
import { z } from 'zod'
import { GiveUp } from '../lib/error.ts'
import { repositoryName } from '../lib/repository.ts'
import { describe, PARSING } from '../lib/zod.ts'

const MAX_OUTPUTS = 100

const labels = z.array(z.string().min(1).max(50)).max(100).readonly()
const body = z.string().max(200_000)
const key = z.string().min(1).max(200)

/** One file: written whole, as text or (bytes that are not text) in base64, or deleted. */
const change = z.union([
  z.strictObject({
    path: z.string().min(1),
    content: z.union([z.string(), z.strictObject({ base64: z.base64() })]),
    /** Absent: as the file is already; a new file is not. */
    executable: z.boolean().optional(),
  }),
  z.strictObject({ path: z.string().min(1), deleted: z.literal(true) }),
])

/** One commit on a branch of its own, and the pull request for it. */
const pullRequest = z.strictObject({
  kind: z.literal('pull_request'),
  /** `owner/name` on the default forge, or `forge:path`. */
  repository: repositoryName,
  /** Base branch; the repository's default branch if absent. */
  base: z.string().min(1).optional(),
  /** Deterministic: the same change set always names the same branch. */
  branch: z.string().min(1),
  title: z.string().min(1).max(250),
  /** Markdown that the agent composed; anything untrusted was made inert before. */
  body,
  /**
   * A few lines of Markdown that say what this change set is. They are shown on the pull request
   * when a newer change set of the series has replaced its body.
   */
  note: z.string().min(1).max(4000).optional(),
  commitMessage: z.string().min(1).max(10_000),
  changes: z.array(change).min(1).readonly(),
  labels: labels.optional(),
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

// Apart, because not every forge numbers issues and pull requests together.
const issue = z.strictObject({ issue: z.int().positive() })
const pullRequestNumber = z.strictObject({ pullRequest: z.int().positive() })
const commit = z.strictObject({ commit: z.string().regex(/^[0-9a-f]{40}$/, 'write the 40 digits of a commit') })

/** A comment on an issue, pull request or commit. */
const comment = z.strictObject({
  kind: z.literal('comment'),
  repository: repositoryName,
  target: z.union([issue, pullRequestNumber, commit]),
  body,
  /** Distinguishes several comments of one job. */
  key,
})

/** Labels on an issue or pull request, created in the repository when missing. */
const labelling = z.strictObject({
  kind: z.literal('labels'),
  repository: repositoryName,
  target: z.union([issue, pullRequestNumber]),
  labels,
})

const answer = z.object({
  outputs: z.array(z.discriminatedUnion('kind', [pullRequest, comment, labelling])).max(MAX_OUTPUTS),
})

/** One commit on a branch of its own, and the pull request for it. */
export type PullRequestOutput = z.infer<typeof pullRequest>

/** One file of a pull request. */
export type FileChange = z.infer<typeof change>

/** A comment on an issue, pull request or commit. */
export type CommentOutput = z.infer<typeof comment>

/** Labels on an issue or pull request, created in the repository when missing. */
export type LabelsOutput = z.infer<typeof labelling>

/** What an agent may ask to have written. */
export type Output = PullRequestOutput | CommentOutput | LabelsOutput

/**
 * What is put on a branch by one commit: a pull request output with its base branch known, and the
 * account that writes it, which may be unknown.
 */
export type ChangeSet = PullRequestOutput & { base: string; account: string | null }

/**
 * What was written: the address to show, and the numbers to find it again. `created` is false when
 * it was there already.
 */
export type Receipt = { url: string; number?: number; branch?: string; sha?: string; created: boolean }

/**
 * Checks an agent's outputs, whatever made them, before anything is done with them.
 * @throws GiveUp when one is not valid: the same agent would return it again.
 */
export function parseOutputs(outputs: unknown): Output[] {
  const parsed = answer.safeParse({ outputs }, PARSING)
  if (!parsed.success) throw new GiveUp(describe(parsed.error, { intro: "The agent's outputs are not valid:" }))
  return parsed.data.outputs
}
