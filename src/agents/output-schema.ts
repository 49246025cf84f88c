// Outputs as JSON from outside the process, checked before anything is done with them.
import { z } from 'zod'
import type { Output } from '../publisher/output.ts'

/** `owner/name`. */
export const repositoryName = z.string().regex(/^[A-Za-z0-9][\w.-]*\/(?!\.+$)[\w.-]+$/, 'write owner/name')

const labels = z.array(z.string().min(1).max(50)).max(100)
const body = z.string().max(200_000)
const key = z.string().min(1).max(200)

const pullRequest = z.strictObject({
  kind: z.literal('pull_request'),
  repository: repositoryName,
  base: z.string().min(1).exactOptional(),
  branch: z.string().min(1),
  title: z.string().min(1).max(250),
  body,
  commitMessage: z.string().min(1).max(10_000),
  files: z.array(z.strictObject({ path: z.string().min(1), content: z.string() })).min(1),
  labels: labels.exactOptional(),
  key,
  series: z.string().min(1).max(200).exactOptional(),
  order: z.number().exactOptional(),
  onOpenPullRequest: z.enum(['update', 'separate']).exactOptional(),
})

const target = z.union([
  z.strictObject({ issue: z.int().positive() }),
  z.strictObject({ commit: z.string().regex(/^[0-9a-f]{40}$/) }),
])

const comment = z.strictObject({ kind: z.literal('comment'), repository: repositoryName, target, body, key })
const labelling = z.strictObject({
  kind: z.literal('labels'),
  repository: repositoryName,
  issue: z.int().positive(),
  labels,
})

const output: z.ZodType<Output> = z.discriminatedUnion('kind', [pullRequest, comment, labelling])

/**
 * What a command may write to file descriptor 3: `{"outputs": […], "result": …}`, or just the list.
 */
export const agentAnswer = z.union([
  z.array(output).transform((outputs) => ({ outputs })),
  z.strictObject({ outputs: z.array(output).exactOptional(), result: z.json().exactOptional() }),
])
