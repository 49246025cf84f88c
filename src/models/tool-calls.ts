// Tools, their calls and their results, in the form of the AI SDK and back.
import type { jsonSchema, ModelMessage as SdkMessage, ToolSet } from 'ai'
import type { ModelMessage, ModelTool, ToolCall } from './request.ts'
import { MAX_ID_CHARS } from './request.ts'

/** What a model may call. Nothing is run here: whoever asked runs it, and asks again. */
export function toSdkTools(tools: readonly ModelTool[], toSchema: typeof jsonSchema): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, schema }) => [name, { description, inputSchema: toSchema(schema) }]),
  )
}

/** The messages of a request. */
export function toSdkMessages(messages: readonly ModelMessage[]): SdkMessage[] {
  return messages.map((message): SdkMessage => {
    if (message.role === 'user') return message
    if (message.role === 'tool') {
      const { id: toolCallId, name: toolName, content: value } = message
      return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output: { type: 'text', value } }] }
    }
    const { content: text, toolCalls = [] } = message
    const calls = toolCalls.map((call) => ({
      type: 'tool-call' as const,
      toolCallId: call.id,
      toolName: call.name,
      input: objectOf(call.arguments),
    }))
    // Anthropic refuses a text of nothing but spaces.
    const isSilent = calls.length > 0 && text.trim() === ''
    return { role: 'assistant', content: [...(isSilent ? [] : [{ type: 'text' as const, text }]), ...calls] }
  })
}

/** Providers take objects only, also for what the model itself called with something else. */
function objectOf(given: ToolCall['arguments']): object {
  return typeof given === 'object' && given !== null && !Array.isArray(given) ? given : { invalid: given }
}

/** The calls of an answer, whatever the model has put into them. */
export function readToolCalls(calls: readonly { toolCallId: string; toolName: string; input: unknown }[]): ToolCall[] {
  const seen = new Set<string>()
  return calls.map(({ toolCallId, toolName, input }, at) => {
    // Servers of one's own may number the calls of each answer from nothing, or not at all.
    const id = toolCallId === '' || seen.has(toolCallId) ? `${toolCallId}-${at}` : toolCallId
    seen.add(id)
    return { id: id.slice(0, MAX_ID_CHARS), name: toolName, arguments: (input ?? null) as ToolCall['arguments'] }
  })
}
