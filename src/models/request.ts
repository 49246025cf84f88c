// What a model is asked, and what it answers.
import { z } from 'zod'
import { budgetSchema } from './budget.ts'

const MAX_PROMPT_CHARS = 5_000_000
/** The longest id of a tool call. */
export const MAX_ID_CHARS = 200

const text = z.string().max(MAX_PROMPT_CHARS)
const id = z.string().min(1).max(MAX_ID_CHARS)
const jsonSchema = z.record(z.string(), z.json())
// What Anthropic and OpenAI both take.
const toolName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must have letters, digits, "_" and "-" only, at most 64')

const tool = z.strictObject({ name: toolName, description: text.min(1), schema: jsonSchema })

// A model can name a tool that there is not.
const toolCall = z.strictObject({ id, name: z.string().max(200), arguments: z.json() })

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('user'), content: text.min(1) }),
  z
    .strictObject({ role: z.literal('assistant'), content: text, toolCalls: z.array(toolCall).max(1000).optional() })
    .refine(({ content, toolCalls = [] }) => content !== '' || toolCalls.length > 0, 'must have content or toolCalls'),
  z.strictObject({ role: z.literal('tool'), id, name: z.string().max(200), content: text.min(1) }),
])

/** Checks a request, which may come from an agent's process. */
export const modelRequest = z.strictObject({
  name: z.string().max(200).optional(),
  system: text.optional(),
  messages: z
    .array(message)
    .min(1)
    .max(10_000)
    .refine(isAnswered, 'must have one result for each tool call, directly after it'),
  tools: z.array(tool).min(1).max(100).optional(),
  schema: jsonSchema.optional(),
  maxTokens: z.int().min(1).max(1_000_000).optional(),
  timeoutMs: z.int().min(1).max(3_600_000).optional(),
  budget: budgetSchema.optional(),
})

/** Whether each tool call has its result; providers refuse the request otherwise. */
function isAnswered(messages: readonly z.infer<typeof message>[]): boolean {
  let open = new Set<string>()
  const isInOrder = messages.every((each) => {
    if (each.role === 'tool') return open.delete(each.id)
    if (open.size > 0) return false
    const ids = (each.role === 'assistant' ? each.toolCalls : undefined)?.map((call) => call.id) ?? []
    open = new Set(ids)
    return open.size === ids.length
  })
  return isInOrder && open.size === 0
}

/**
 * One request: `name` is what it is for, as the job shows it; `messages` begin with the user's, and
 * end with the user's or with the results of tools. With `schema`, a JSON schema of an object, the
 * answer is JSON. `tools` are what the model may call, each with the JSON schema of its arguments.
 * `maxTokens` limits the answer; without it the provider's own limit stands. `timeoutMs` is
 * 5 minutes by default. `budget` is what the job may have used in all after it, in tokens and
 * dollars, where that is less than its own budget.
 */
export type ModelRequest = z.infer<typeof modelRequest>

/**
 * One message. After one with `toolCalls` there is a result for each call, in a message of the role
 * `tool` with the call's `id` and `name`.
 */
export type ModelMessage = z.infer<typeof message>

/** A tool that a model may call: `schema` is the JSON schema of its arguments, an object. */
export type ModelTool = z.infer<typeof tool>

/**
 * What a model calls. Nobody has checked it: there may be no such tool, and the arguments may be
 * anything; they are a text where they are not JSON.
 */
export type ToolCall = z.infer<typeof toolCall>

/**
 * Why an answer ended: by itself, because it calls tools, at its length, by a filter of its
 * content, or otherwise.
 */
export type Finish = 'stop' | 'tool-calls' | 'length' | 'content-filter' | 'other'

/** What came of one request. */
export type ModelAnswer = {
  text: string
  /** Absent where it calls none. */
  toolCalls?: ToolCall[]
  finish: Finish
  /** The model as the configuration names it. */
  model: string
  inputTokens: number
  outputTokens: number
  /** What it cost; null where the configuration has no price for the model. */
  usd: number | null
  tookMs: number
}
