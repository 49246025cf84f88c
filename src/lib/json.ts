// JSON values: their types, which of them are objects, and one order of keys.
import { createHash } from 'node:crypto'
import type { Json } from '@signalbox/sdk'

export type { Json } from '@signalbox/sdk'

/**
 * A parsed JSON object. A key `__proto__` is plain data here: `JSON.parse` makes it an own
 * property.
 */
export type JsonObject = { [key: string]: Json }

/** Whether a value is an object, and not null or an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Canonical JSON (RFC 8785): no white space, object keys sorted by UTF-16 code units, numbers as
 * ECMAScript prints them. One deviation: a lone surrogate, which RFC 8785 leaves out, is escaped
 * (`\ud800`) instead of being an error.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = sortedEntries(value).map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

/**
 * SHA-256 of a value's canonical JSON, in hexadecimal: the same for equal values, however their
 * keys were ordered.
 */
export function canonicalSha256(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/**
 * A copy with the keys of every object in code unit order, for JSON that is to be read by people.
 * Keys that are whole numbers come first, in their order, as in every JavaScript object: only
 * `canonicalJson` is exact.
 */
export function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys)
  if (!isObject(value)) return value
  return Object.fromEntries(sortedEntries(value).map(([key, member]) => [key, sortedKeys(member)]))
}

function sortedEntries<Value>(object: Record<string, Value>): [string, Value][] {
  // `<` on strings compares UTF-16 code units, as the RFC asks; localeCompare would not.
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))
}
