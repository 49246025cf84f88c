// From verified bytes to a JSON object, or `body_invalid`: whatever the bytes are, nothing else is
// thrown.
import { AppError } from '../lib/error.ts'

/**
 * A parsed JSON object. A key `__proto__` is plain data here: `JSON.parse` makes it an own
 * property.
 */
export type JsonObject = Record<string, unknown>

/**
 * Deepest nesting we read. GitHub's own payloads stay under 15. It is counted before parsing,
 * because `JSON.parse` does not refuse depth: 24 MB of nested brackets became 750 MB of arrays, and
 * every recursion after it a stack overflow.
 */
export const MAX_JSON_DEPTH = 200

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * JSON's bytes, parsed; throws `body_invalid` for anything else: empty, not UTF-8, too deep, a byte
 * order mark (RFC 8259 §8.1).
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new AppError('body_invalid', 'the body is empty')
  const text = decode(bytes)
  if (hasManyBrackets(text) && !fitsDepth(bytes)) {
    throw new AppError('body_invalid', `the JSON is nested deeper than ${MAX_JSON_DEPTH} levels`)
  }
  return parse(text)
}

/** The same for a JSON object; anything else is `body_invalid` too. */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  const value = parseJson(bytes)
  if (!isObject(value)) throw new AppError('body_invalid', 'the JSON is not an object')
  return value
}

/**
 * GitHub's form encoding: the one field `payload` holds the JSON.
 * @throws `body_invalid` for a missing, repeated or badly encoded one.
 */
export function parsePayloadForm(bytes: Uint8Array): JsonObject {
  const fields = decode(bytes).split('&')
  const [field, ...more] = fields.filter((part) => part.startsWith('payload='))
  if (field === undefined || more.length > 0)
    throw new AppError('body_invalid', 'the form must have one field "payload"')
  return parseJsonObject(Buffer.from(percentDecode(field.slice('payload='.length)), 'utf8'))
}

/** Whether a JSON value is an object, and not null or an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new AppError('body_invalid', 'the body is not UTF-8')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('body_invalid', 'the body is not JSON')
  }
}

// URLSearchParams would forgive "%zz" and turn bytes that are not UTF-8 into U+FFFD.
function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new AppError('body_invalid', 'the form field "payload" is not percent-encoded UTF-8')
  }
}

/**
 * Whether there are more opening brackets than the depth allowed: with fewer nothing can be nested
 * deeper. Most payloads have fewer, and looking for them takes 1 µs where counting depth takes 15
 * (10 kB).
 */
function hasManyBrackets(text: string): boolean {
  let count = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      count++
      if (count > MAX_JSON_DEPTH) return true
    }
  }
  return false
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Whether brackets outside strings nest no deeper than allowed. Bytes will do: in UTF-8 no ASCII
 * byte is part of another character.
 */
function fitsDepth(bytes: Uint8Array): boolean {
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) at = endOfString(bytes, at + 1)
    else if (byte === 0x7b || byte === 0x5b) {
      depth++
      if (depth > MAX_JSON_DEPTH) return false
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return true
}

function endOfString(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}
