// What an agent may ask to have written to the forge: data only, checked before it is stored. Each
// kind has a file, with its schema and how it is written.
import { z } from 'zod'
import { GiveUp } from '../lib/error.ts'
import { describe, PARSING } from '../lib/zod.ts'
import { checkOutput } from './check.ts'
import { commentOutput } from './comment.ts'
import { commitOutput } from './commit.ts'
import { deploymentStatusOutput } from './deployment-status.ts'
import { issueOutput } from './issue.ts'
import { labelsOutput } from './labels.ts'
import { pullRequestOutput } from './pull-request-output.ts'
import { reactionOutput } from './reaction.ts'
import { reviewOutput } from './review.ts'
import { threadOutput } from './thread.ts'

const MAX_OUTPUTS = 100

const output = z.discriminatedUnion('kind', [
  pullRequestOutput,
  commitOutput,
  commentOutput,
  labelsOutput,
  reactionOutput,
  reviewOutput,
  threadOutput,
  checkOutput,
  deploymentStatusOutput,
  issueOutput,
])

const answer = z.object({ outputs: z.array(output).max(MAX_OUTPUTS) })

/** What an agent may ask to have written. */
export type Output = z.infer<typeof output>

/**
 * What was written: the address to show, and the numbers to find it again. `created` is false when
 * it was there already.
 */
export type Receipt = {
  url: string
  number?: number
  branch?: string
  sha?: string
  created: boolean
  /** What of the output the forge has refused, and why. */
  note?: string
}

/**
 * Checks an agent's outputs, whatever made them, before anything is done with them.
 * @throws GiveUp when one is not valid: the same agent would return it again.
 */
export function parseOutputs(outputs: unknown): Output[] {
  const parsed = answer.safeParse({ outputs }, PARSING)
  if (!parsed.success) throw new GiveUp(describe(parsed.error, { intro: "The agent's outputs are not valid:" }))
  return parsed.data.outputs
}
