// HMAC-SHA256 by Node's own crypto, ten times faster than WebCrypto here; compared in constant time
// under every live secret.
import type { BinaryLike } from 'node:crypto'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { AppError } from '../lib/error.ts'

/** What a request's headers claim about its signature; nothing in it is true before it is verified. */
export type Claim = {
  /** What is signed is this text, then the raw body. */
  prefix: string
  /** How the candidates are written. */
  encoding: 'base64' | 'hex'
  /** The digests that were sent; one right one is enough, as while a secret rotates. */
  candidates: readonly string[]
  /** The signed time, where the scheme has one. */
  timestampSeconds: number | null
}

/**
 * How old or how far ahead a signed time may be: five minutes, as Standard Webhooks and Agenta
 * advise.
 */
const TOLERANCE_SECONDS = 300

/** The secrets that are set. An empty one would be a key everybody knows. */
export function liveSecrets(secrets: readonly string[]): readonly string[] {
  return secrets.filter((secret) => secret !== '')
}

/**
 * Accepts a body that one of the keys signed, at a time near `now` where the claim has one. Every
 * candidate is compared under every key, so that the time this takes says nothing about which came
 * close.
 * @throws AppError `signature_invalid`, and `source_closed` when there is no key at all.
 */
export function requireSignature(
  keys: readonly BinaryLike[],
  { prefix, encoding, candidates, timestampSeconds }: Claim,
  rawBody: Uint8Array,
  now: Date,
): void {
  if (keys.length === 0) throw new AppError('source_closed')
  if (timestampSeconds !== null) requireFresh(timestampSeconds, now)
  const digests = candidates.flatMap((candidate) => digestOf(candidate, encoding) ?? [])
  let matches = 0
  for (const key of keys) {
    const expected = createHmac('sha256', key).update(prefix).update(rawBody).digest()
    for (const digest of digests) if (timingSafeEqual(digest, expected)) matches++
  }
  if (matches === 0) throw new AppError('signature_invalid')
}

function requireFresh(timestampSeconds: number, now: Date): void {
  const ageSeconds = Math.floor(now.getTime() / 1000) - timestampSeconds
  // "Not within", so that a NaN refuses.
  if (Math.abs(ageSeconds) <= TOLERANCE_SECONDS) return
  throw new AppError(
    'signature_invalid',
    `The signed time is more than ${TOLERANCE_SECONDS / 60} minutes from this server's clock.`,
  )
}

// The 32 bytes of a digest; null for anything else, so that lengths are equal when compared.
function digestOf(text: string, encoding: Claim['encoding']): Buffer | null {
  const isDigest = encoding === 'hex' ? /^[0-9a-fA-F]{64}$/.test(text) : /^[A-Za-z0-9+/]{43}=$/.test(text)
  return isDigest ? Buffer.from(text, encoding) : null
}
