// Which bytes of a secret are the key, and which secrets are good enough to be created.
import { fromBase64, toBytes } from './bytes.ts'
import { isEd25519 } from './ed25519-key.ts'
import { WebhookVerificationError } from './verification-error.ts'

/**
 * How a webhook is signed with a shared secret. Always with HMAC-SHA256; the schemes differ in what
 * is signed, with which key, and where it is written.
 */
export type Scheme = 'standard' | 'agenta' | 'github'

/** One secret, or every live one while a secret rotates; empty entries are skipped. */
export type Secrets = string | readonly string[]

/** The fewest characters of a new secret that is plain text. */
export const MIN_SECRET_CHARS = 20

const BASE64_PREFIX = 'whsec_'
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const MIN_KEY_BYTES = 24
const MAX_KEY_BYTES = 64

/**
 * The secrets that are set, at least one. A lone string counts as one secret: iterating it would
 * turn each of its letters into a key anyone can guess.
 * @throws WebhookVerificationError `no_secret` when none is set.
 */
export function liveSecrets(secrets: Secrets | undefined): readonly [string, ...string[]] {
  const [first, ...others] = (typeof secrets === 'string' ? [secrets] : (secrets ?? [])).filter(Boolean)
  if (first === undefined) throw new WebhookVerificationError('no_secret', 'no webhook secret is configured')
  return [first, ...others]
}

/**
 * The key of a secret. In Standard Webhooks, `whsec_` is followed by base64 (padding optional). Any
 * other text, and every text in the other schemes, is used as its UTF-8 bytes.
 * @throws WebhookVerificationError `no_secret` for an empty text; `invalid_secret` when `whsec_` is
 * not followed by base64, and for an ed25519 key: used as text, a *public* key would let anyone
 * sign.
 */
export function secretKey(secret: string, scheme: Scheme): Uint8Array {
  if (secret === '') throw new WebhookVerificationError('no_secret', 'no webhook secret is configured')
  if (isEd25519(secret)) {
    throw new WebhookVerificationError('invalid_secret', 'an ed25519 key (whsk_, whpk_) is not a shared secret')
  }
  if (scheme !== 'standard' || !secret.startsWith(BASE64_PREFIX)) return toBytes(secret)
  const key = fromBase64(secret.slice(BASE64_PREFIX.length))
  if (key === undefined) throw new WebhookVerificationError('invalid_secret', 'whsec_ must be followed by base64')
  return key
}

/**
 * Why a secret that somebody wants to create is not good enough, or null: "must have at least 20
 * characters". Stricter than `secretKey`, which takes what another sender has chosen.
 */
export function secretProblem(secret: string): string | null {
  if (isEd25519(secret)) return 'must be a shared secret, not an ed25519 key'
  if (/[^\x21-\x7e]/.test(secret)) return 'must be visible ASCII without spaces'
  if (!secret.startsWith(BASE64_PREFIX)) {
    return secret.length < MIN_SECRET_CHARS ? `must have at least ${MIN_SECRET_CHARS} characters` : null
  }
  const bytes = fromBase64(secret.slice(BASE64_PREFIX.length))?.length ?? 0
  const isGood = bytes >= MIN_KEY_BYTES && bytes <= MAX_KEY_BYTES
  return isGood ? null : `must be whsec_ and base64 of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes`
}
