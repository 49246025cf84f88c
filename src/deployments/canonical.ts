// JSON in one canonical form, so that equal values have equal bytes and one hash.
import { createHash } from 'node:crypto'
import type { Json } from '@signalbox/sdk'

/**
 * Canonical JSON (RFC 8785): no white space, object keys sorted by UTF-16 code units, numbers as
 * ECMAScript prints them. One deviation: a lone surrogate, which RFC 8785 leaves out, is escaped
 * (`\ud800`) instead of being an error.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    // `<` on strings compares UTF-16 code units, as the RFC asks; localeCompare would not.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

/**
 * SHA-256 of a value's canonical JSON, in hexadecimal: the same for equal values, however their
 * keys were ordered.
 */
export function canonicalSha256(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}
