// What the model is sent of the turns before: all of it, until that is too much; then the older
// results are left out.
import type { ModelMessage, ToolCall } from '../../models/request.ts'
import type { Turn } from './turn.ts'

// Shorter ones stay, because the sentence in their place would be as long.
const SHORT_CHARS = 200

/**
 * The messages that the next question has. Once the turns have more than `maxChars`, the older ones
 * are shortened to half of it at once: each change of what was sent before costs its provider's
 * cache. The same turns are always the same messages.
 */
export function messagesOf(task: string, turns: readonly Turn[], maxChars: number): ModelMessage[] {
  const whole = turns.map(messagesIn)
  const short = turns.map((turn) => messagesIn(shortened(turn)))
  let [chars, shortTurns] = [0, 0]
  for (const at of turns.keys()) {
    chars += charsOf(whole[at])
    if (chars <= maxChars) continue
    for (; shortTurns < at && chars > maxChars / 2; shortTurns += 1) {
      chars -= charsOf(whole[shortTurns]) - charsOf(short[shortTurns])
    }
  }
  return [{ role: 'user', content: task }, ...short.slice(0, shortTurns).flat(), ...whole.slice(shortTurns).flat()]
}

function messagesIn({ text, toolCalls, results, notice }: Turn): ModelMessage[] {
  const said: ModelMessage =
    toolCalls.length === 0
      ? { role: 'assistant', content: text.trim() === '' ? '(nothing)' : text }
      : { role: 'assistant', content: text, toolCalls }
  const answers = results.map((result): ModelMessage => ({ role: 'tool', ...result }))
  return [said, ...answers, ...(notice === undefined ? [] : [{ role: 'user' as const, content: notice }])]
}

function shortened(turn: Turn): Turn {
  return {
    ...turn,
    toolCalls: turn.toolCalls.map((call) => ({ ...call, arguments: shortValue(call.arguments) })),
    results: turn.results.map((result) => ({
      ...result,
      content: shortText(result.content, 'call it again to see it'),
    })),
  }
}

function shortText(text: string, remedy: string): string {
  return text.length <= SHORT_CHARS ? text : `(${text.length} characters were left out here: ${remedy})`
}

function shortValue(value: ToolCall['arguments']): ToolCall['arguments'] {
  if (typeof value === 'string') return shortText(value, 'read the file to see them')
  if (Array.isArray(value)) return value.map(shortValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortValue(inner)]))
}

function charsOf(messages: readonly ModelMessage[] = []): number {
  return JSON.stringify(messages).length
}
