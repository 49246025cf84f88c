// Bytes and their text forms, with nothing but what every JavaScript runtime has.

/**
 * A request body as it went over the wire: its bytes, or the text they encode in UTF-8. Never a
 * parsed object.
 */
export type RawBody = string | Uint8Array

const encoder = new TextEncoder()

/**
 * Text as UTF-8 bytes, bytes as they are.
 * @throws TypeError for anything else: a parsed body is the caller's bug and must not pass for an
 * empty one.
 */
export function toBytes(raw: RawBody): Uint8Array {
  if (typeof raw === 'string') return encoder.encode(raw)
  if (ArrayBuffer.isView(raw)) return raw
  throw new TypeError(
    'The body must be the raw request body, a string or a Uint8Array: signatures cover bytes, not parsed JSON.',
  )
}

/** The parts one after the other as one message, in memory of its own. */
export function concatBytes(...parts: readonly RawBody[]): Uint8Array<ArrayBuffer> {
  const chunks = parts.map(toBytes)
  const joined = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    joined.set(chunk, offset)
    offset += chunk.length
  }
  return joined
}

/** Bytes as lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Bytes as padded base64 in the standard alphabet; meant for digests, not for bodies. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

/** The bytes of standard base64, padded or not; undefined when it is empty or anything else. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={1,2}$/, '')
  // `atob` alone would accept spaces; a length of 4n+1 encodes nothing.
  if (!/^[A-Za-z0-9+/]+$/.test(digits) || digits.length % 4 === 1) return undefined
  return Uint8Array.from(atob(digits), (char) => char.charCodeAt(0))
}

/**
 * Whether two texts are equal, in a time that depends on their lengths only. Comparing the
 * *encoded* forms means that untrusted input is never decoded.
 */
export function equalsInConstantTime(claimed: string, expected: string): boolean {
  if (claimed.length !== expected.length) return false
  let difference = 0
  for (let index = 0; index < expected.length; index += 1) {
    difference |= claimed.charCodeAt(index) ^ expected.charCodeAt(index)
  }
  return difference === 0
}
