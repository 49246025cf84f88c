// The text forms of ed25519 keys in Standard Webhooks: `whsk_` for the private, `whpk_` for the
// public one. Pure.
import { fromBase64, toBase64 } from './bytes.ts'
import { WebhookVerificationError } from './verification-error.ts'

const PRIVATE_PREFIX = 'whsk_'
const PUBLIC_PREFIX = 'whpk_'
const KEY_BYTES = 32

/** Whether a text is an ed25519 key by its prefix, private or public. */
export function isEd25519(text: string): boolean {
  return text.startsWith(PRIVATE_PREFIX) || text.startsWith(PUBLIC_PREFIX)
}

/**
 * The 32 bytes of a private key, which RFC 8032 calls its seed. After `whsk_` stands base64 of
 * them, or of them and the public key, as Svix writes it.
 * @throws WebhookVerificationError `invalid_secret` for anything else.
 */
export function privateKeySeed(text: string): Uint8Array {
  const bytes = bytesAfter(PRIVATE_PREFIX, text)
  if (bytes?.length === KEY_BYTES || bytes?.length === 2 * KEY_BYTES) return bytes.slice(0, KEY_BYTES)
  throw invalid('must be whsk_ and base64 of 32 or 64 bytes')
}

/**
 * The 32 bytes of a public key, whose base64 stands after `whpk_`.
 * @throws WebhookVerificationError `invalid_secret` for anything else.
 */
export function publicKeyBytes(text: string): Uint8Array {
  const bytes = bytesAfter(PUBLIC_PREFIX, text)
  if (bytes?.length === KEY_BYTES) return bytes
  throw invalid('must be whpk_ and base64 of 32 bytes')
}

/** The text form of a private key: its seed and its public key. */
export function writePrivateKey(seed: Uint8Array, publicBytes: Uint8Array): string {
  return `${PRIVATE_PREFIX}${toBase64(Uint8Array.of(...seed, ...publicBytes))}`
}

/** The text form of a public key. */
export function writePublicKey(bytes: Uint8Array): string {
  return `${PUBLIC_PREFIX}${toBase64(bytes)}`
}

/** Why a text is not a private key, or null: "must be whsk_ and base64 of 32 or 64 bytes". */
export function privateKeyProblem(text: string): string | null {
  try {
    privateKeySeed(text)
    return null
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.message
    throw error
  }
}

function bytesAfter(prefix: string, text: string): Uint8Array | undefined {
  return text.startsWith(prefix) ? fromBase64(text.slice(prefix.length)) : undefined
}

function invalid(problem: string): WebhookVerificationError {
  return new WebhookVerificationError('invalid_secret', problem)
}
