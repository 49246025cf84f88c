// What the outputs of a rule's jobs may write: as a rule says it, and as each job keeps it.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { isGlob } from '../lib/glob.ts'
import { entryLabel, PARSING, problemLines } from '../lib/zod.ts'
import type { Output } from './output.ts'

const glob = z.string().min(1).max(256).refine(isGlob, 'must name what it excludes after "!"')
const globs = z.array(glob).max(100).readonly()

/** How many outputs of a kind one job may have. */
const max = z.int().min(1).max(100).optional()

const files = {
  /** Files in one commit. Default 100. */
  maxFiles: z.int().min(1).max(1000).optional(),
  /** Lines of all files that one commit writes. Default 50,000. */
  maxLines: z.int().min(1).optional(),
  /** Their bytes. Default 10,000,000. */
  maxBytes: z.int().min(1).optional(),
  /**
   * Globs of paths never written or deleted, case ignored, beside those that always are: CI, hooks,
   * owners, attributes. One with `!` allows a path.
   */
  protectedPaths: globs.optional(),
  /** Whether lock files, such as `package-lock.json`, are protected too. Default: no. */
  protectLockFiles: z.boolean().optional(),
  /** Whether a file may have what has the form of a token, such as an example. Default: no. */
  allowTokens: z.boolean().optional(),
}

const outputs = z.strictObject({
  pull_request: z
    .strictObject({
      max,
      /** Beginnings of branch names. Default `agenta/` and `signalbox/`. */
      branchPrefixes: z.array(z.string().min(1).max(200)).min(1).max(100).readonly().optional(),
      /** The branches it may be for, as globs. Default: any. */
      base: globs.optional(),
      /** It must be a draft. */
      draft: z.literal(true).optional(),
      /** It may be set to merge by itself. Default: no. */
      autoMerge: z.boolean().optional(),
      /** The labels it may have, as globs. Default: any. */
      labels: globs.optional(),
      ...files,
    })
    .optional(),
  commit: z
    .strictObject({
      max,
      /** The branches, as globs. Default `agenta/**` and `signalbox/**`. */
      branches: globs.optional(),
      ...files,
    })
    .optional(),
  comment: z.strictObject({ max }).optional(),
  /** `allow`: labels that may be added and removed, as globs. Default: any. */
  labels: z.strictObject({ max, allow: globs.optional() }).optional(),
  reaction: z.strictObject({ max }).optional(),
  review: z
    .strictObject({
      max,
      /** What it may say in all. Default `COMMENT` alone. */
      events: z
        .array(z.enum(['COMMENT', 'APPROVE', 'REQUEST_CHANGES']))
        .readonly()
        .optional(),
    })
    .optional(),
  thread: z
    .strictObject({
      max,
      /** `any`: also threads that others began. Default: those that our own account began. */
      resolve: z.literal('any').optional(),
    })
    .optional(),
  check: z.strictObject({ max }).optional(),
  /** `environments`: where, as globs. Default: any. */
  deployment_status: z.strictObject({ max, environments: globs.optional() }).optional(),
  /** `labels`: those it may have, as globs. Default: any. */
  issue: z.strictObject({ max, labels: globs.optional() }).optional(),
})

/** Which kinds of outputs an agent may write, and how. */
export type OutputLimits = z.infer<typeof outputs>

const written = z.object({
  outputs: outputs.optional(),
  /** Globs of repositories, case ignored: `acme/*`. */
  repositories: globs.optional(),
  staged: z.boolean().optional(),
})

/** What a rule, or a handler, says about writing. */
export type Written = z.infer<typeof written>

/** What the outputs of one job may write. */
export type Policy = Written & {
  repositories: readonly string[]
  /** Its event is of a repository, where anybody may write: it does not speak for deployments. */
  isOfForge?: true
  /** The SHA-256 of the rule and its agent as they were configured. */
  config?: string
}

/** What may be written where a rule does not say: about the event, or for people to merge. */
export const DEFAULT_OUTPUTS: OutputLimits = {
  pull_request: {},
  comment: {},
  labels: {},
  reaction: {},
  review: {},
  thread: {},
  check: {},
}

/** What a job that no rule made may write: nothing. */
export const NO_POLICY: Policy = { repositories: [] }

/** How many outputs of a kind one job may have where its rule does not say. */
export const DEFAULT_MAX: Readonly<Record<Output['kind'], number>> = {
  pull_request: 1,
  commit: 1,
  comment: 10,
  labels: 10,
  reaction: 10,
  review: 1,
  thread: 50,
  check: 10,
  deployment_status: 10,
  issue: 1,
}

/** What is wrong with what is said about writing, a line for each mistake. */
export function policyProblems(given: object): string[] {
  const { error } = written.safeParse(given, PARSING)
  return error ? problemLines(error) : []
}

/**
 * Checks what a configuration's rules say about writing.
 * @throws AppError `config_invalid` naming each rule and field at fault.
 */
export function checkPolicies(rules: readonly { name: string }[]): void {
  const problems = rules.flatMap((rule, index) =>
    policyProblems(rule).map((line) => `${entryLabel('rules', index, rule)}: ${line}`),
  )
  if (problems.length > 0) throw new AppError('config_invalid', problems.join('\n'))
}
