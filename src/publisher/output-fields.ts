// What several kinds of outputs have in common.
import { z } from 'zod'
import { repositoryName } from '../lib/repository.ts'

/** The names of labels or accounts. */
export const names = z.array(z.string().min(1).max(50)).max(100).readonly()

/** Markdown that the agent composed; anything untrusted was made inert before. */
export const body = z.string().max(200_000)

/** Tells the outputs of one job apart. */
export const key = z.string().min(1).max(200)

/** A commit. */
export const sha = z.string().regex(/^[0-9a-f]{40}$/, 'write the 40 digits of a commit')

/** The commit that an earlier output of the job has made. */
export const earlierSha = z.string().regex(/^\{\{ ?outputs\.[a-z][a-z0-9_-]{0,49}\.sha ?\}\}$/)

/** An address that people follow. */
export const address = z.url({ protocol: /^https?$/ }).max(2000)

/** The number of something on the forge. */
export const number = z.int().positive()

/** The fields that every output has. */
export const common = {
  /** `owner/name` on the default forge, or `forge:path`. */
  repository: repositoryName,
  /** What later outputs of the job call this one: `{{outputs.NAME.url}}`. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,49}$/, 'write small letters, digits, "-" and "_"')
    .optional(),
}

// Apart, because not every forge numbers issues and pull requests together.
const issue = z.strictObject({ issue: number })
const pullRequest = z.strictObject({ pullRequest: number })

/** An issue or a pull request. */
export const labelTarget = z.union([issue, pullRequest])

/** What can be commented on. */
export const commentTarget = z.union([issue, pullRequest, z.strictObject({ commit: sha })])

/** What can be reacted to. */
export const reactionTarget = z.union([
  issue,
  pullRequest,
  z.strictObject({ comment: number }),
  z.strictObject({ reviewComment: number }),
])

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

/** The files of one commit. */
export const changes = z.array(change).min(1).readonly()

/** A commit's message. */
export const commitMessage = z.string().min(1).max(10_000)

/** One file of a commit. */
export type FileChange = z.infer<typeof change>
