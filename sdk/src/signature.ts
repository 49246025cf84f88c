// Signing and verifying the webhook signatures Signalbox speaks: Standard Webhooks, Agenta's two forms, GitHub's.

import type { HeadersLike } from './header.ts'
import { requireHeader } from './header.ts'
import type { RawBody } from './hmac.ts'
import { concatBytes, equalsInConstantTime, hmacSha256, toBase64, toHex } from './hmac.ts'
import type { Secrets } from './secret.ts'
import { liveSecrets, standardKey, textKey } from './secret.ts'
import { WebhookVerificationError } from './verification-error.ts'

const FIVE_MINUTES_SECONDS = 300

/** What a verification looks at; `body` is the raw body, `secrets` every live secret. */
export interface VerifyInput {
  headers: HeadersLike
  body: RawBody
  secrets: Secrets
}

/** A verification that also asks when the request was sent. */
export interface TimedVerifyInput extends VerifyInput {
  /** How far the sender's clock may be off, in seconds either way, edges included. Default 300. */
  toleranceSeconds?: number | undefined
  /** The receiver's clock in Unix seconds. Default: now. */
  nowSeconds?: number | undefined
}

/** What to sign in Standard Webhooks' form. */
export interface StandardSignInput {
  /** The message's id, the same on every attempt; no full stop in it (it delimits what is signed) and no space. */
  id: string
  /** When this attempt is made, in whole Unix seconds. */
  timestampSeconds: number
  body: RawBody
  /** One signature is made per secret. */
  secrets: Secrets
}

/** What to sign in a form that knows one secret and no time. */
export interface BodySignInput {
  body: RawBody
  secret: string
}

/**
 * The `webhook-signature` header of Standard Webhooks 1.0.0: `v1,<base64>` of HMAC-SHA256 over `{id}.{timestamp}.{body}`,
 * one per secret, separated by spaces. Throws TypeError for an id or a time that cannot be signed safely.
 */
export async function signStandard({ id, timestampSeconds, body, secrets }: StandardSignInput): Promise<string> {
  if (!/^[\x21-\x2d\x2f-\x7e]+$/.test(id)) throw new TypeError('a webhook id is visible ASCII without a full stop')
  const message = concatBytes(`${id}.${wholeSeconds(timestampSeconds)}.`, body)
  const digests = await Promise.all(liveSecrets(secrets).map((secret) => hmacSha256(standardKey(secret), message)))
  return digests.map((digest) => `v1,${toBase64(digest)}`).join(' ')
}

/**
 * Checks `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks 1.0.0) and gives the signed id and
 * time; throws WebhookVerificationError otherwise. Signatures of other versions in the list are passed over.
 */
export async function verifyStandard(input: TimedVerifyInput): Promise<{ id: string; timestampSeconds: number }> {
  const keys = liveSecrets(input.secrets).map(standardKey)
  const id = requireHeader(input.headers, 'webhook-id')
  const timestamp = requireHeader(input.headers, 'webhook-timestamp')
  const signatures = requireHeader(input.headers, 'webhook-signature').split(' ')
  const timestampSeconds = checkTimestamp(timestamp, 'webhook-timestamp', input)
  const candidates = signatures.filter((item) => item.startsWith('v1,')).map((item) => item.slice('v1,'.length))
  const message = concatBytes(`${id}.${timestamp}.`, input.body)
  await checkSignature({ header: 'webhook-signature', candidates, keys, message, encode: toBase64 })
  return { id, timestampSeconds }
}

/** Agenta's first form, `sha256=<hex>` of HMAC-SHA256 over the raw body; GitHub's form is the same. */
export async function signBody({ body, secret }: BodySignInput): Promise<string> {
  const [live] = liveSecrets(secret)
  return `sha256=${toHex(await hmacSha256(textKey(live), concatBytes(body)))}`
}

/** Agenta's current form, `t=<Unix seconds>,v1=<hex>` of HMAC-SHA256 over `{t}.{body}`. */
export async function signAgentaTimed(input: BodySignInput & { timestampSeconds: number }): Promise<string> {
  const [live] = liveSecrets(input.secret)
  const t = wholeSeconds(input.timestampSeconds)
  return `t=${t},v1=${toHex(await hmacSha256(textKey(live), concatBytes(`${t}.`, input.body)))}`
}

/**
 * Checks `X-Agenta-Signature` in either of Agenta's forms and gives the signed time, null for the first form, which has
 * none: there, only remembering the body's `delivery_id` stops a replay. Throws WebhookVerificationError otherwise.
 */
export async function verifyAgenta(input: TimedVerifyInput): Promise<{ timestampSeconds: number | null }> {
  const header = 'x-agenta-signature'
  const value = requireHeader(input.headers, header)
  // A header that has items is only ever read as the timed form, so an untimed signature cannot rescue a wrong one.
  if (!/,|^\s*(t|v\d+)=/.test(value)) {
    await verifyBody(input, header, value.replace(/^sha256=/, ''))
    return { timestampSeconds: null }
  }
  const keys = liveSecrets(input.secrets).map(textKey)
  const items = value.split(',').map((item) => item.trim())
  const valuesOf = (key: string) => items.filter((item) => item.startsWith(key)).map((item) => item.slice(key.length))
  const [t, ...more] = valuesOf('t=')
  if (t === undefined || more.length > 0) {
    throw new WebhookVerificationError('malformed_header', 'expected exactly one t=<Unix seconds>', header)
  }
  const timestampSeconds = checkTimestamp(t, header, input)
  const candidates = valuesOf('v1=').map((hex) => hex.toLowerCase())
  await checkSignature({ header, candidates, keys, message: concatBytes(`${t}.`, input.body), encode: toHex })
  return { timestampSeconds }
}

/**
 * Checks `X-Hub-Signature-256: sha256=<hex>`; throws WebhookVerificationError otherwise.
 * See https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 */
export async function verifyGithub(input: VerifyInput): Promise<void> {
  const header = 'x-hub-signature-256'
  const value = requireHeader(input.headers, header)
  await verifyBody(input, header, value.startsWith('sha256=') ? value.slice('sha256='.length) : '')
}

async function verifyBody({ body, secrets }: VerifyInput, header: string, hex: string): Promise<void> {
  const keys = liveSecrets(secrets).map(textKey)
  const message = concatBytes(body)
  await checkSignature({ header, candidates: [hex.toLowerCase()], keys, message, encode: toHex })
}

interface SignatureCheck {
  header: string
  candidates: readonly string[]
  keys: readonly Uint8Array[]
  message: Uint8Array<ArrayBuffer>
  encode: (digest: Uint8Array) => string
}

/** Every candidate is compared with every key's digest, without stopping at the first that fits. */
async function checkSignature({ header, candidates, keys, message, encode }: SignatureCheck): Promise<void> {
  const digests = await Promise.all(keys.map((key) => hmacSha256(key, message)))
  let matches = 0
  for (const expected of digests.map(encode)) {
    for (const candidate of candidates) matches += Number(equalsInConstantTime(candidate, expected))
  }
  if (matches > 0) return
  const why = candidates.length === 0 ? 'holds no v1 signature' : 'no signature matches: wrong secret or changed body'
  throw new WebhookVerificationError('signature_mismatch', why, header)
}

function checkTimestamp(value: string, header: string, { toleranceSeconds, nowSeconds }: TimedVerifyInput): number {
  if (!/^\d{1,12}$/.test(value)) {
    throw new WebhookVerificationError('malformed_header', 'the timestamp is not whole Unix seconds', header)
  }
  const tolerance = toleranceSeconds ?? FIVE_MINUTES_SECONDS
  const ageSeconds = Math.floor(nowSeconds ?? Date.now() / 1000) - Number(value)
  // Written as "not within" so that a NaN from a misread setting refuses rather than accepts.
  if (!(ageSeconds <= tolerance)) {
    throw new WebhookVerificationError('timestamp_too_old', `sent more than ${tolerance} seconds ago`, header)
  }
  if (!(ageSeconds >= -tolerance)) {
    throw new WebhookVerificationError('timestamp_too_new', `sent more than ${tolerance} seconds ahead`, header)
  }
  return Number(value)
}

function wholeSeconds(timestampSeconds: number): number {
  if (Number.isSafeInteger(timestampSeconds) && timestampSeconds >= 0) return timestampSeconds
  throw new TypeError('timestampSeconds must be whole Unix seconds')
}
