// A reaction: the forge has one of each kind by an account, so there is nothing to look for.
import { z } from 'zod'
import type { WriteForge } from '../forges/forge.ts'
import { REACTIONS } from '../forges/forge.ts'
import type { Receipt } from './output.ts'
import { common, reactionTarget } from './output-fields.ts'

/** A reaction to an issue, a pull request or a comment. */
export const reactionOutput = z.strictObject({
  kind: z.literal('reaction'),
  ...common,
  target: reactionTarget,
  reaction: z.enum(REACTIONS),
})

/** What an agent says of a reaction. */
export type ReactionOutput = z.infer<typeof reactionOutput>

/** Reacts, unless our account has. */
export function publishReaction(forge: WriteForge, output: ReactionOutput): Promise<Receipt> {
  return forge.addReaction(output.repository, output.target, output.reaction)
}
