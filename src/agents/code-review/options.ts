// What an operator may set of the review agent, as its options or a rule's `with`.
import { z } from 'zod'
import { SEVERITIES } from '../../findings/finding.ts'
import { isGlob } from '../../lib/glob.ts'
import { repositoryName } from '../../lib/repository.ts'

const glob = z.string().min(1).max(256).refine(isGlob, 'must name what it excludes after "!"')

const settings = {
  /** What the model is to mind, in the operator's words. */
  instructions: z.string().max(20_000).optional(),
  /**
   * A file of the repository with more of that. It is read from the branch that a pull request is
   * for, or as it was before a push: nobody changes with a change what reviews it.
   */
  instructionsFile: z.string().min(1).max(500).optional(),
  /** Globs of paths that the model does not read. */
  ignore: z.array(glob).max(100).readonly().optional(),
  /** Comments on lines in one review; the rest stands in its text. Default 8. */
  maxInline: z.int().min(0).max(50).optional(),
  /** From this severity on, a finding fails the check. Default `never`. */
  failOn: z.enum([...SEVERITIES, 'never']).optional(),
  /** Findings of the model of which it is less sure are left out. Default 0.5. */
  minConfidence: z.number().min(0).max(1).optional(),
  /** The code in one question to the model, in characters. Default 60,000. */
  chunkChars: z.int().min(2_000).max(1_000_000).optional(),
  /** Questions to the model in one review. Default 20. */
  maxChunks: z.int().min(1).max(200).optional(),
  /** When a push gets a comment. Default `always`. */
  pushComment: z.enum(['always', 'findings']).optional(),
}

/** The options of the agent. */
export const codeReviewOptions = z.strictObject(settings)
export type CodeReviewOptions = z.input<typeof codeReviewOptions>

/** A job's input: options of its rule; and of a job by hand what is reviewed. */
export const codeReviewInput = z
  .strictObject({
    ...settings,
    repository: repositoryName.optional(),
    pullRequest: z.int().positive().optional(),
  })
  .nullish()

/** The options with their defaults. */
export type Settings = ReturnType<typeof settingsOf>

/** The options of the agent, overruled by those of the job. */
export function settingsOf(options: CodeReviewOptions, input: z.infer<typeof codeReviewInput>) {
  return {
    instructionsFile: '.signalbox/review.md',
    ignore: [] as readonly string[],
    maxInline: 8,
    failOn: 'never' as const,
    minConfidence: 0.5,
    chunkChars: 60_000,
    maxChunks: 20,
    pushComment: 'always' as const,
    ...given(options),
    ...given(input ?? {}),
  }
}

/** Without what is undefined, which would hide a default. */
function given<T extends object>(options: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> }
}
