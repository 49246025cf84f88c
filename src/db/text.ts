// Text that PostgreSQL can store: `text` and `jsonb` refuse NUL and half a surrogate pair.
import { cut } from '../lib/cut.ts'
import { isObject } from '../lib/json.ts'

/**
 * The text with U+FFFD for what PostgreSQL cannot store. With `maxChars` it is also cut to that
 * length, an ellipsis included, and no surrogate pair is split.
 */
export function storable(text: string, maxChars = Number.POSITIVE_INFINITY): string {
  return cut(text, maxChars).toWellFormed().replaceAll('\0', '\ufffd')
}

/** A value as it is bound to a statement: no text in it has a NUL, which PostgreSQL refuses. */
export function boundValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.some((item) => boundValue(item) !== item) ? value.map(boundValue) : value
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
}

/**
 * JSON that every column can store, of keys too. Every string is looked at only when the JSON
 * shows that there is something to replace.
 */
export function storableJson(value: object): string {
  const text = JSON.stringify(value)
  // JSON.stringify escapes half a pair, so both appear as escapes.
  if (!/\\u(?:0000|d[89a-f])/.test(text)) return text
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return storable(part)
    if (!isObject(part)) return part
    return Object.fromEntries(Object.entries(part).map(([key, member]) => [storable(key), member]))
  })
}
