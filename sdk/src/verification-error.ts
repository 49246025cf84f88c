// The one error every verify function throws, with a code a program can switch on.

/**
 * Why a webhook was refused. `missing_header`, `malformed_header` and `malformed_body` are the
 * sender's mistake (400); `timestamp_too_old`, `timestamp_too_new` and `signature_mismatch` are a
 * forgery, a replay or a wrong secret (401); `no_secret` and `invalid_secret` are the receiver's
 * own configuration, and `keys_unavailable` says that the sender's public keys could not be read
 * (503: it will send again).
 */
export type VerificationCode =
  | 'missing_header'
  | 'malformed_header'
  | 'malformed_body'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'signature_mismatch'
  | 'no_secret'
  | 'invalid_secret'
  | 'keys_unavailable'

/**
 * Thrown, never returned, so that a forgotten `if` cannot accept a forged request; the message
 * never contains a secret.
 */
export class WebhookVerificationError extends Error {
  override readonly name: string = 'WebhookVerificationError'
  readonly code: VerificationCode
  /** The header at fault, in lower case, when there is one. */
  readonly header: string | undefined

  constructor(code: VerificationCode, detail: string, header?: string) {
    super(header === undefined ? detail : `${header}: ${detail}`)
    this.code = code
    this.header = header
  }
}
