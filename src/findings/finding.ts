// What a reviewer has found in a change, and what an agent returns of it.
import { z } from 'zod'
import { repositoryName } from '../lib/repository.ts'

/** Findings of one run, and files in one review: what is beyond is no review that anybody reads. */
const MAX_FINDINGS = 1_000
const MAX_REVIEWED = 20_000

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be a word of small letters, digits and "-"')
const line = z.int().min(1)
const fingerprint = z.string().regex(/^[0-9a-f]{32}$/, 'must be what `fingerprinted` made')
const sha = z.string().regex(/^[0-9a-f]{40,64}$/, 'must be the SHA of a commit')

/** How bad it is, the worst first. */
export const SEVERITIES = ['high', 'medium', 'low'] as const
/** What it costs to check whether it is true. */
export const COSTS = ['low', 'medium', 'high'] as const
/** The side of a difference: before the change, or after it. */
export const SIDES = ['LEFT', 'RIGHT'] as const

const finding = z.strictObject({
  /** Who found it: the name of a deterministic reviewer, or of a model's part. */
  reviewer: name,
  /** What kind of mistake it is; precision is measured by it. */
  category: name,
  severity: z.enum(SEVERITIES),
  /** How sure the reviewer is, from 0 to 1. */
  confidence: z.number().min(0).max(1),
  /** What it costs the author to check whether it is true. */
  cost: z.enum(COSTS),
  path: z.string().min(1).max(4096),
  side: z.enum(SIDES),
  /** The last line it is about; null where it is about the whole file. */
  line: line.nullable(),
  /** The first one, where it is about several. */
  startLine: line.optional(),
  title: z.string().min(1).max(300),
  body: z.string().max(20_000),
  /** What should stand in place of the lines. */
  suggestion: z.string().max(20_000).optional(),
})

/** Something that a reviewer found. */
export type Finding = z.infer<typeof finding>

const found = finding.extend({
  /** What it is known by in later reviews; `fingerprinted` makes it. */
  fingerprint,
})

/** A finding with what it is known by. */
export type Found = z.infer<typeof found>

/** What findings belong to: a pull request, or what was pushed to a branch. */
export const scopeSchema = z.union([
  z.strictObject({ repository: repositoryName, pullRequest: z.int().min(1) }),
  z.strictObject({ repository: repositoryName, branch: z.string().min(1).max(1000) }),
])
export type Scope = z.infer<typeof scopeSchema>

/** `resolved`: by a change of the code; `outdated`: what it was about is gone. */
export const FINDING_STATUSES = ['open', 'resolved', 'dismissed', 'outdated'] as const
export type FindingStatus = (typeof FINDING_STATUSES)[number]

const change = z.strictObject({
  fingerprint,
  /** What has become of it; a dismissed finding stays dismissed, in the whole repository. */
  status: z.enum(['resolved', 'dismissed', 'outdated']).optional(),
  reason: z.string().max(2_000).optional(),
  /** The review thread that it is discussed in. */
  thread: z.string().max(200).optional(),
  commentUrl: z.string().max(2_000).optional(),
})

/** What is new about a finding of the scope. */
export type FindingChange = z.infer<typeof change>

/**
 * What a review leaves: all it found and what has become of earlier findings. `reviewed` has what
 * was read, by key, and what was found in it, and replaces that of the review before.
 */
export const reviewSchema = z.strictObject({
  scope: scopeSchema,
  /** The commit that was reviewed. */
  sha,
  /** A hash of the change, which tells whether another commit changes anything else. */
  patch: z
    .string()
    .regex(/^[0-9a-f]{16,128}$/, 'must be a hash')
    .optional(),
  found: z.array(found).max(MAX_FINDINGS).readonly().default([]),
  changes: z.array(change).max(MAX_FINDINGS).readonly().default([]),
  reviewed: z
    .record(z.string().regex(/^[0-9a-f]{16,128}$/, 'must be a hash'), z.array(found).readonly())
    .refine((keys) => Object.keys(keys).length <= MAX_REVIEWED, `has more than ${MAX_REVIEWED} keys`)
    .optional(),
})
export type Review = z.infer<typeof reviewSchema>

/** The same as an agent returns it. */
export type ReturnedReview = z.input<typeof reviewSchema>

/** A finding as it is kept. */
export type StoredFinding = Found & {
  id: string
  status: FindingStatus
  /** Why it was dismissed. */
  reason: string | null
  /** The commit it was first found in, and the last one. */
  firstSha: string
  lastSha: string
  thread: string | null
  commentUrl: string | null
}

/** The last review of a pull request or a branch. */
export type LastReview = { sha: string; patch: string | null }

/** What agents may ask of the findings there are. */
export type Ledger = {
  /** The findings of a pull request or a branch, oldest first. */
  of(scope: Scope): Promise<StoredFinding[]>
  /** Which of these somebody has dismissed anywhere in the repository. */
  dismissed(repository: string, fingerprints: readonly string[]): Promise<string[]>
  /** The categories that are not shown, because most of what they found there was dismissed. */
  muted(repository: string): Promise<string[]>
  /** The last review; null when there was none. */
  last(scope: Scope): Promise<LastReview | null>
  /** What the last review read, by key, and what it found in it. */
  reviewed(scope: Scope): Promise<Record<string, Found[]>>
}
