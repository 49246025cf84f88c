// Which model is meant: by provider and name, or a server of one's own that speaks OpenAI's API.
import { z } from 'zod'

/** A variable's name, for a key that must not be in a file. */
const variableName = z.string().regex(/^[A-Za-z_]\w{0,99}$/, 'must be the name of an environment variable')

const ownServer = z.strictObject({
  url: z.string().refine((url) => /^https?:\/\//.test(url) && URL.canParse(url), 'must begin with http:// or https://'),
  name: z.string().min(1).max(200),
  key: variableName.optional(),
})

const MODEL_NAME = /^(?:anthropic|openai|compatible)\/\S{1,200}$/
const MODEL_RULE = 'must be anthropic/NAME, openai/NAME, compatible/NAME, or { url, name, key }'

/** Checks a model as rules, agents and the environment name it. */
export const modelRef = z.union([z.string().regex(MODEL_NAME, MODEL_RULE), ownServer], MODEL_RULE)

/**
 * A model: `anthropic/NAME`, `openai/NAME`, `compatible/NAME` (of the server at
 * `SIGNALBOX_MODEL_URL`), or a server that speaks OpenAI's API, with the name of the environment
 * variable that has its key.
 */
export type ModelRef = z.infer<typeof modelRef>

/** How a model is called in prices, errors and the record of a job. */
export function labelOf(ref: ModelRef): string {
  return typeof ref === 'string' ? ref : ref.name
}
