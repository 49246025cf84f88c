// Verifying the ed25519 signatures (`v1a`) of Standard Webhooks: which keys are meant, and whether
// one of them signed.
import type { PublicKey } from './ed25519.ts'
import { publicKey } from './ed25519.ts'
import type { JsonWebKeySet } from './jwks.ts'
import { keysAt, keysOfSet } from './jwks.ts'
import type { SignatureClaim } from './scheme.ts'
import type { Secrets } from './secret.ts'
import { liveSecrets } from './secret.ts'
import { WebhookVerificationError } from './verification-error.ts'

/** What a webhook is verified by. Each kind that is passed asks for a signature of its own. */
export type VerificationKeys = {
  /** Shared secrets. */
  secrets?: Secrets | undefined
  /** Ed25519 keys of the sender, `whpk_…`. */
  publicKeys?: Secrets | undefined
  /** The sender's JWK set, or the address where it is published. */
  jwks?: JsonWebKeySet | string | undefined
}

/** Finds keys; `again`: newer ones than the last time, empty where there can be none. */
type FindKeys = (again: boolean) => Promise<readonly PublicKey[]>

// A verification takes a tenth of a millisecond, and a header may have hundreds of signatures.
const MAX_SIGNATURES = 10

/**
 * The public keys that a signature is asked of; null where none are passed.
 * @throws WebhookVerificationError `no_secret` when there is an option for them, and nothing in it;
 * `invalid_secret` for what is no key.
 */
export function publicKeysOf({ publicKeys, jwks }: VerificationKeys): FindKeys | null {
  if (publicKeys === undefined && jwks === undefined) return null
  const passed = publicKeys === undefined ? [] : liveSecrets(publicKeys)
  if (typeof jwks === 'string') return async (again) => [...passed, ...(await keysAt(jwks, { again }))].map(publicKey)
  const keys = [...passed, ...(jwks === undefined ? [] : keysOfSet(jwks))].map(publicKey)
  return async (again) => (again ? [] : keys)
}

/**
 * Accepts a claim with a signature by one of the keys.
 * @throws WebhookVerificationError `missing_header` for a scheme that has no such signatures,
 * `signature_mismatch`, and what finding the keys throws.
 */
export async function requireEd25519(
  claim: SignatureClaim,
  message: Uint8Array<ArrayBuffer>,
  find: FindKeys,
): Promise<void> {
  if (claim.scheme !== 'standard') {
    throw new WebhookVerificationError('missing_header', 'an ed25519 signature is asked for', 'webhook-signature')
  }
  const signatures = claim.asymmetric.slice(0, MAX_SIGNATURES)
  if (signatures.length === 0) {
    const why = 'no signature matches: the header has no well-formed ed25519 one (v1a)'
    throw new WebhookVerificationError('signature_mismatch', why, claim.header)
  }
  if (await isSigned(await find(false), signatures, message)) return
  // The sender may have begun to sign with a new key.
  if (await isSigned(await find(true), signatures, message)) return
  const why = 'no signature matches: wrong public key or changed body'
  throw new WebhookVerificationError('signature_mismatch', why, claim.header)
}

async function isSigned(
  keys: readonly PublicKey[],
  signatures: readonly string[],
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const verdicts = keys.flatMap((key) => signatures.map((signature) => key.verify(signature, message)))
  return (await Promise.all(verdicts)).includes(true)
}
