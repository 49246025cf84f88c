// HMAC-SHA256 by Node's own crypto, ten times faster than WebCrypto here; compared in constant time
// with every live secret.
import type { BinaryLike } from 'node:crypto'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { AppError } from '../lib/error.ts'

/** The secrets that are set. An empty one would be a key everybody knows. */
export function liveSecrets(secrets: readonly string[]): readonly string[] {
  return secrets.filter((secret) => secret !== '')
}

/**
 *
 * @throws `source_closed` when there is no key: a source without a secret accepts nothing.
 */
export function requireOpen(keys: readonly unknown[]): void {
  if (keys.length === 0) throw new AppError('source_closed')
}

/** The 32 bytes that 64 hex digits stand for; null for anything else, non-ASCII included. */
export function hexDigest(hex: string): Buffer | null {
  return /^[0-9a-fA-F]{64}$/.test(hex) ? Buffer.from(hex, 'hex') : null
}

/** The 32 bytes that padded base64 stands for; null for anything else. */
export function base64Digest(base64: string): Buffer | null {
  return /^[A-Za-z0-9+/]{43}=$/.test(base64) ? Buffer.from(base64, 'base64') : null
}

/**
 *
 * @throws `signature_invalid` unless one of the signatures is the HMAC-SHA256 of the parts, one
 * after the other, under one of the keys. Every pair is compared, so that time tells nothing about
 * which came close.
 */
export function requireSignature(
  keys: readonly BinaryLike[],
  signatures: readonly (Buffer | null)[],
  ...message: BinaryLike[]
): void {
  requireOpen(keys)
  let matches = 0
  for (const key of keys) {
    const hmac = createHmac('sha256', key)
    for (const piece of message) hmac.update(piece)
    const expected = hmac.digest()
    for (const signature of signatures) {
      if (signature !== null && timingSafeEqual(signature, expected)) matches++
    }
  }
  if (matches === 0) throw new AppError('signature_invalid')
}
