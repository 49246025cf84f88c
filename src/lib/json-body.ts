// From untrusted bytes to JSON, or `body_invalid`: whatever the bytes are, nothing else is thrown.
import { AppError } from './error.ts'
import type { Json, JsonObject } from './json.ts'
import { isObject } from './json.ts'

/**
 * The deepest nesting accepted. GitHub's own payloads stay under 15. It is counted before parsing,
 * because `JSON.parse` does not refuse depth: 24 MB of nested brackets became 750 MB of arrays, and
 * every recursion after it a stack overflow.
 */
export const MAX_JSON_DEPTH = 200

const FIELD = '&payload='

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses the bytes of one JSON value.
 * @throws AppError `body_invalid` when they are empty, not UTF-8, not JSON, nested too deep, or
 * begin with a byte order mark (RFC 8259 §8.1).
 */
export function parseJson(bytes: Uint8Array): Json {
  if (bytes.length === 0) throw new AppError('body_invalid', 'The body is empty.')
  const text = decode(bytes)
  if (hasManyBrackets(text) && !fitsDepth(bytes)) {
    throw new AppError('body_invalid', `The JSON is nested deeper than ${MAX_JSON_DEPTH} levels.`)
  }
  return parse(text)
}

/**
 * Parses the bytes of one JSON object.
 * @throws AppError `body_invalid` when `parseJson` does, or the value is not an object.
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  const value = parseJson(bytes)
  if (!isObject(value)) throw new AppError('body_invalid', 'The JSON is not an object.')
  return value
}

/**
 * Parses GitHub's form encoding, whose first field `payload` has the JSON. Only its first: a
 * signature says nothing of the content type, and a text within JSON may have such a field.
 * @throws AppError `body_invalid` when the field is not the first, repeated or badly encoded.
 */
export function parsePayloadForm(bytes: Uint8Array): JsonObject {
  // Not split at each "&": 25 MB of them would be as many texts.
  const form = `&${decode(bytes)}`
  const at = form.indexOf(FIELD)
  if (at !== 0 || form.indexOf(FIELD, at + 1) !== -1) {
    throw new AppError('body_invalid', 'The form must begin with its one field "payload".')
  }
  const end = form.indexOf('&', at + 1)
  const value = form.slice(at + FIELD.length, end === -1 ? undefined : end)
  return parseJsonObject(Buffer.from(percentDecode(value), 'utf8'))
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new AppError('body_invalid', 'The body is not UTF-8.')
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    throw new AppError('body_invalid', 'The body is not JSON.')
  }
}

// URLSearchParams would accept "%zz" and turn bytes that are not UTF-8 into U+FFFD.
function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new AppError('body_invalid', 'The form field "payload" is not percent-encoded UTF-8.')
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
