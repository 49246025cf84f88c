// Which bytes of a secret are the key: decoded for Standard Webhooks, the text itself everywhere else.
import { fromBase64, toBytes } from './hmac.ts'
import { WebhookVerificationError } from './verification-error.ts'

/** One secret, or every live one while a secret rotates; empty entries are skipped. */
export type Secrets = string | readonly string[]

/**
 * The secrets that are set, at least one. A lone string counts as one secret: iterating it would turn each of its
 * letters into a key anyone can guess.
 */
export function liveSecrets(secrets: Secrets | undefined): readonly [string, ...string[]] {
  const [first, ...others] = (typeof secrets === 'string' ? [secrets] : (secrets ?? [])).filter(Boolean)
  if (first === undefined) throw new WebhookVerificationError('no_secret', 'no webhook secret is configured')
  return [first, ...others]
}

/** The key of GitHub's and Agenta's forms: the secret's UTF-8 text, even when it looks like base64. */
export function textKey(secret: string): Uint8Array {
  return toBytes(secret)
}

/**
 * The key of Standard Webhooks: `whsec_` is followed by base64 (padding optional); any other text is taken as its UTF-8
 * bytes. An ed25519 key (`whsk_`, `whpk_`) is refused: used as text, a *public* key would let anyone sign.
 */
export function standardKey(secret: string): Uint8Array {
  if (/^wh[sp]k_/.test(secret)) {
    throw new WebhookVerificationError('invalid_secret', 'an ed25519 key (whsk_, whpk_) is not a shared secret')
  }
  if (!secret.startsWith('whsec_')) return toBytes(secret)
  const key = fromBase64(secret.slice('whsec_'.length))
  if (key === undefined) throw new WebhookVerificationError('invalid_secret', 'whsec_ must be followed by base64')
  return key
}
