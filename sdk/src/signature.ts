// Signing and verifying on WebCrypto, in the schemes Signalbox uses: Standard Webhooks, Agenta's
// two forms, GitHub's.
import type { VerificationKeys } from './asymmetric.ts'
import { publicKeysOf, requireEd25519 } from './asymmetric.ts'
import type { RawBody } from './bytes.ts'
import { concatBytes, equalsInConstantTime, toBase64, toHex } from './bytes.ts'
import { signEd25519 } from './ed25519.ts'
import type { HeadersLike } from './header.ts'
import { hmacSha256 } from './hmac.ts'
import type { SignatureClaim } from './scheme.ts'
import {
  agentaPrefix,
  checkTimestamp,
  readAgenta,
  readGithub,
  readStandard,
  standardPrefix,
  writeAgentaTimed,
  writeBodySignature,
  writeStandard,
} from './scheme.ts'
import type { Scheme, Secrets } from './secret.ts'
import { liveSecrets, secretKey } from './secret.ts'
import { WebhookVerificationError } from './verification-error.ts'

/** What a verification looks at; `body` is the raw body, `secrets` every live secret. */
export type VerifyInput = {
  headers: HeadersLike
  body: RawBody
  secrets: Secrets
}

/** A verification that also asks when the request was sent. */
export type TimedVerifyInput = VerifyInput & {
  /** How far the sender's clock may be off, in seconds either way, edges included. Default 300. */
  toleranceSeconds?: number | undefined
  /** The receiver's clock in Unix seconds. Default: now. */
  nowSeconds?: number | undefined
}

/** A verification in Standard Webhooks' form: by shared secrets, by public keys, or by both. */
export type StandardVerifyInput = Omit<TimedVerifyInput, 'secrets'> & VerificationKeys

/** What to sign in Standard Webhooks' form. */
export type StandardSignInput = {
  /**
   * The message's id, the same on every attempt; no full stop in it (it delimits what is signed)
   * and no space.
   */
  id: string
  /** When this attempt is made, in whole Unix seconds. */
  timestampSeconds: number
  body: RawBody
  /** One signature (`v1`) is made per secret. */
  secrets?: Secrets | undefined
  /** Ed25519 keys, `whsk_…`: one signature (`v1a`) is made per key. */
  signingKeys?: Secrets | undefined
}

/** What to sign in a form that has one signature. */
export type BodySignInput = {
  body: RawBody
  secret: string
}

/**
 * The `webhook-signature` header of Standard Webhooks 1.0.0, over `{id}.{timestamp}.{body}`:
 * `v1,<base64>` of HMAC-SHA256 per secret, and `v1a,<base64>` of ed25519 per signing key.
 * @throws TypeError for an id or a time that cannot be signed safely.
 * @throws WebhookVerificationError `no_secret` or `invalid_secret`.
 */
export async function signStandard(input: StandardSignInput): Promise<string> {
  const { id, timestampSeconds, body, secrets, signingKeys } = input
  const keys = signingKeys === undefined ? [] : liveSecrets(signingKeys)
  const live = keys.length > 0 && secrets === undefined ? [] : liveSecrets(secrets)
  const message = concatBytes(standardPrefix(id, timestampSeconds), body)
  const digests = await Promise.all(live.map((secret) => digestOf(secret, 'standard', message)))
  return writeStandard(digests.map(toBase64), await Promise.all(keys.map((key) => signEd25519(key, message))))
}

/**
 * Agenta's first form, `sha256=<hex>` of HMAC-SHA256 over the raw body; GitHub's form is the same.
 * @throws WebhookVerificationError `no_secret` or `invalid_secret`.
 */
export async function signBody({ body, secret }: BodySignInput): Promise<string> {
  return writeBodySignature(toHex(await digestOf(secret, 'agenta', concatBytes(body))))
}

/**
 * Agenta's current form, `t=<Unix seconds>,v1=<hex>` of HMAC-SHA256 over `{t}.{body}`.
 * @throws TypeError for a time that is not whole Unix seconds.
 * @throws WebhookVerificationError `no_secret` or `invalid_secret`.
 */
export async function signAgentaTimed(input: BodySignInput & { timestampSeconds: number }): Promise<string> {
  const message = concatBytes(agentaPrefix(input.timestampSeconds), input.body)
  return writeAgentaTimed(input.timestampSeconds, toHex(await digestOf(input.secret, 'agenta', message)))
}

/**
 * Checks `webhook-id`, `webhook-timestamp` and `webhook-signature` of Standard Webhooks 1.0.0, also
 * under Svix's own names, and returns the signed id and time. Each kind of key that is passed asks
 * for a signature of its own: with public keys a shared secret's alone is not enough.
 * @throws WebhookVerificationError unless it is signed so, and not too old or new.
 */
export async function verifyStandard(input: StandardVerifyInput): Promise<{ id: string; timestampSeconds: number }> {
  const { id, timestampSeconds } = await verifySignature(input, readStandard)
  return { id, timestampSeconds }
}

/**
 * Checks `X-Agenta-Signature` in either of Agenta's forms and returns the signed time, null for the
 * first form, which has none: there, only remembering the body's `delivery_id` stops a replay.
 * @throws WebhookVerificationError unless one signature is right and not too old or new.
 */
export async function verifyAgenta(input: TimedVerifyInput): Promise<{ timestampSeconds: number | null }> {
  const { timestampSeconds } = await verifySignature(input, readAgenta)
  return { timestampSeconds }
}

/**
 * Checks `X-Hub-Signature-256: sha256=<hex>`.
 * See https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 * @throws WebhookVerificationError unless the signature is right.
 */
export async function verifyGithub(input: VerifyInput): Promise<void> {
  await verifySignature(input, readGithub)
}

/**
 * Checks what `read` finds in the headers and returns it, now true. Every candidate is compared
 * with every secret's digest, without stopping at the first that fits.
 * @throws WebhookVerificationError unless it is signed by one of each kind of key that is passed,
 * and not too old or new.
 */
export async function verifySignature<Claim extends SignatureClaim>(
  { headers, body, toleranceSeconds, nowSeconds = Date.now() / 1000, ...given }: StandardVerifyInput,
  read: (headers: HeadersLike) => Claim,
): Promise<Claim> {
  const keys = publicKeysOf(given)
  const live = keys !== null && given.secrets === undefined ? [] : liveSecrets(given.secrets)
  const claim = read(headers)
  const message = concatBytes(claim.prefix, body)
  const digests = await Promise.all(live.map((secret) => digestOf(secret, claim.scheme, message)))
  checkTimestamp(claim, { nowSeconds, toleranceSeconds })
  if (live.length > 0) requireDigest(claim, digests)
  if (keys !== null) await requireEd25519(claim, message, keys)
  return claim
}

function requireDigest(claim: SignatureClaim, digests: readonly Uint8Array[]): void {
  let matches = 0
  for (const expected of digests.map(claim.encoding === 'hex' ? toHex : toBase64)) {
    for (const candidate of claim.candidates) matches += Number(equalsInConstantTime(candidate, expected))
  }
  if (matches > 0) return
  const why = claim.candidates.length === 0 ? 'the header has no well-formed one' : 'wrong secret or changed body'
  throw new WebhookVerificationError('signature_mismatch', `no signature matches: ${why}`, claim.header)
}

async function digestOf(secret: string, scheme: Scheme, message: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return hmacSha256(secretKey(secret, scheme), message)
}
