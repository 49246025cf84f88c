// What a model is asked, and what it answers.
import { z } from 'zod'

const MAX_PROMPT_CHARS = 5_000_000

const text = z.string().max(MAX_PROMPT_CHARS)

/** Checks a request, which may come from an agent's process. */
export const modelRequest = z.strictObject({
  name: z.string().max(200).optional(),
  system: text.optional(),
  messages: z
    .array(z.strictObject({ role: z.enum(['user', 'assistant']), content: text.min(1) }))
    .min(1)
    .max(1000),
  schema: z.record(z.string(), z.json()).optional(),
  maxTokens: z.int().min(1).max(1_000_000).optional(),
  timeoutMs: z.int().min(1).max(3_600_000).optional(),
})

/**
 * One request: `name` is what it is for, as the job shows it; `messages` begin and end with the
 * user's. With `schema`, a JSON schema of an object, the answer is JSON. `maxTokens` limits the
 * answer; without it the provider's own limit stands. `timeoutMs` is 5 minutes by default.
 */
export type ModelRequest = z.infer<typeof modelRequest>

/** Why an answer ended: by itself, at its length, by a filter of its content, or otherwise. */
export type Finish = 'stop' | 'length' | 'content-filter' | 'other'

/** What came of one request. */
export type ModelAnswer = {
  text: string
  finish: Finish
  /** The model as the configuration names it. */
  model: string
  inputTokens: number
  outputTokens: number
  /** What it cost; null where the configuration has no price for the model. */
  usd: number | null
  tookMs: number
}
