// Standard Webhooks 1.0.0 as a source:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
import { AppError } from '../../lib/error.ts'
import { parseJsonObject } from '../body.ts'
import { facts, part, text } from '../fact.ts'
import { requireContentType, requireHeader, requireHeaderLike } from '../header.ts'
import { base64Digest, liveSecrets, requireOpen, requireSignature } from '../signature.ts'
import type { HeaderReader, Source } from '../source.ts'

const ID = 'webhook-id'
const TIMESTAMP = 'webhook-timestamp'
const SIGNATURE = 'webhook-signature'
const CONTENT_TYPES = ['application/json']
const MESSAGE_ID = /^[\x21-\x7e]{1,200}$/
const EVENT_TYPE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/

/**
 * How old or how far ahead a signed time may be: five minutes, as the specification advises and
 * Agenta's documentation does.
 */
const TOLERANCE_SECONDS = 300

/**
 * Any sender that speaks Standard Webhooks. The type is the body's `type` (or `event`), else the
 * source's name; the delivery's id is the signed `webhook-id`.
 * @throws `config_invalid` for a secret that is no shared secret.
 */
export function standardWebhooks(options: { name: string; secrets: readonly string[] }): Source {
  const secrets = liveSecrets(options.secrets)
  const keys = secrets.map(standardKey)
  return {
    name: options.name,
    secrets,
    keptHeaders: ['content-type', 'user-agent', ID, TIMESTAMP, SIGNATURE],
    checkHeaders(headers) {
      requireOpen(keys)
      requireContentType(headers, CONTENT_TYPES)
      requireStandardHeaders(headers)
    },
    verify: (rawBody, headers, now) => verifyStandard(keys, rawBody, headers, now),
    normalise(rawBody, headers) {
      requireContentType(headers, CONTENT_TYPES)
      const deliveryId = requireHeaderLike(headers, ID, MESSAGE_ID)
      const payload = parseJsonObject(rawBody)
      const data = part(payload.data)
      const about = {
        environment: text(data.environment),
        app: text(data.app_name),
        project: text(payload.project_id),
        author: text(data.deployed_by),
      }
      return {
        type: eventType(payload.type) ?? eventType(payload.event) ?? options.name,
        deliveryId,
        subject: null,
        actor: about.author ?? null,
        facts: facts(about),
        payload,
      }
    },
  }
}

/**
 * The text if it can be an event's type: up to 100 letters, digits, `.`, `_`, `-`; undefined
 * otherwise.
 */
export function eventType(value: unknown): string | undefined {
  return typeof value === 'string' && EVENT_TYPE.test(value) ? value : undefined
}

/**
 * Whether a request claims to be signed in this form: any one of its headers is enough, so that
 * leaving one out cannot avoid the check.
 */
export function isStandard(headers: HeaderReader): boolean {
  return headers.get(ID) !== null || headers.get(TIMESTAMP) !== null || headers.get(SIGNATURE) !== null
}

/**
 *
 * @throws `header_missing` or `header_invalid` unless all three headers are there and well formed.
 */
export function requireStandardHeaders(headers: HeaderReader): { id: string; timestamp: string; signature: string } {
  return {
    id: requireHeaderLike(headers, ID, MESSAGE_ID),
    timestamp: requireHeaderLike(headers, TIMESTAMP, /^\d{1,12}$/),
    signature: requireHeader(headers, SIGNATURE),
  }
}

/**
 * Checks `v1,<base64>` of `{id}.{timestamp}.{body}`; one right signature among several is enough,
 * as while a secret rotates.
 */
export function verifyStandard(keys: readonly Buffer[], rawBody: Uint8Array, headers: HeaderReader, now: Date): void {
  const { id, timestamp, signature } = requireStandardHeaders(headers)
  requireFresh(timestamp, now)
  const candidates = signature.split(' ').filter((item) => item.startsWith('v1,'))
  const digests = candidates.map((item) => base64Digest(item.slice('v1,'.length)))
  requireSignature(keys, digests, `${id}.${timestamp}.`, rawBody)
}

/**
 *
 * @throws `signature_invalid` when the signed Unix time is more than five minutes from now.
 */
export function requireFresh(timestampSeconds: string, now: Date): void {
  const ageSeconds = Math.floor(now.getTime() / 1000) - Number(timestampSeconds)
  // "Not within", so that a NaN refuses.
  if (!(Math.abs(ageSeconds) <= TOLERANCE_SECONDS)) {
    throw new AppError('signature_invalid', `the signed time is more than ${TOLERANCE_SECONDS / 60} minutes from ours`)
  }
}

/**
 * The key of a secret: what follows `whsec_` is base64, any other text is its own bytes.
 * @throws `config_invalid` for an ed25519 key: as text, a *public* key would let anyone sign.
 */
export function standardKey(secret: string): Buffer {
  if (/^wh[sp]k_/.test(secret))
    throw new AppError('config_invalid', 'an ed25519 key (whsk_, whpk_) is not a shared secret')
  if (!secret.startsWith('whsec_')) return Buffer.from(secret, 'utf8')
  const digits = secret.slice('whsec_'.length)
  const key = Buffer.from(digits, 'base64')
  if (key.length === 0 || key.toString('base64').replace(/=+$/, '') !== digits.replace(/=+$/, '')) {
    throw new AppError('config_invalid', 'in a webhook secret, whsec_ must be followed by base64')
  }
  return key
}
