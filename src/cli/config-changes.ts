// What a deployment changed of a configuration, one line a parameter.
import type { ConfigDiff, Json } from '@signalbox/sdk'
import { count, inline } from './text.ts'
import { cut } from './width.ts'

const MAX_VALUE_CHARS = 60
const MAX_CHANGES = 20

function short(value: Json): string {
  return cut(inline(value === null ? 'null' : value), MAX_VALUE_CHARS)
}

/** What changed, one line a parameter: `temperature: 0.7 → 0.5`. */
export function changeLines({ added, modified, removed }: ConfigDiff): string[] {
  const lines = [
    ...Object.entries(modified).map(
      ([key, { old, new: after }]) => `~ ${inline(key)}: ${short(old)} → ${short(after)}`,
    ),
    ...Object.entries(added).map(([key, value]) => `+ ${inline(key)}: ${short(value)}`),
    ...Object.entries(removed).map(([key, value]) => `- ${inline(key)}: ${short(value)}`),
  ]
  const left = lines.length - MAX_CHANGES
  return left > 0 ? [...lines.slice(0, MAX_CHANGES), `and ${count(left, 'more change')}`] : lines
}
