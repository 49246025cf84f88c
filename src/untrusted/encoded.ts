// The forms in which a known value stands in other texts: in addresses, in JSON, in base64.
import { isPlainWord } from './secret-name.ts'

// A longer one is looked for as it is, and as in JSON.
const MAX_ENCODED_CHARS = 5000
const ENCODED_BYTE = /%[0-9A-F]{2}/g
const BASE64 = /^[A-Za-z0-9+/_-]{12,}={0,2}$/
const TEXT = /^[\t\n\r\x20-\x7e]{7,}$/

/** The value without spaces around it, as it is and encoded, and what it is the code of. */
export function encodedForms(value: string): string[] {
  const text = value.trim().toWellFormed()
  const inJson = JSON.stringify(text).slice(1, -1)
  if (text.length > MAX_ENCODED_CHARS) return [value.trim(), inJson]
  const inAddress = encodeURIComponent(text)
  const inForm = new URLSearchParams([['', text]]).toString().slice(1)
  return [
    value.trim(),
    inJson,
    JSON.stringify(inJson).slice(1, -1),
    ...[inAddress, inForm].flatMap((form) => [form, form.replace(ENCODED_BYTE, (byte) => byte.toLowerCase())]),
    ...base64Of(text),
    // Secrets read from a file often end with its line end.
    ...base64Of(`${text}\n`),
    ...decoded(text),
  ]
}

function base64Of(text: string): string[] {
  const bytes = Buffer.from(text)
  return [bytes.toString('base64').replaceAll('=', ''), bytes.toString('base64url')]
}

function decoded(text: string): string[] {
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64').toString() : ''
  return [...percentDecoded(text), ...(TEXT.test(bytes) ? [bytes.trim()] : [])].filter((form) => !isPlainWord(form))
}

function percentDecoded(text: string): string[] {
  try {
    return [decodeURIComponent(text)]
  } catch {
    // A percent sign that encodes nothing.
    return []
  }
}
