// Receiving a Signalbox webhook: one call from the raw request to a verified, typed event.

import type { RawBody } from './bytes.ts'
import { toBytes } from './bytes.ts'
import type { HeadersLike } from './header.ts'
import type { JsonWebKeySet } from './jwks.ts'
import type { EnvironmentDeployed, RelayedEvent, SignalboxEvent } from './payload.ts'
import { isSignalboxEvent } from './payload.ts'
import { readStandardOrAgenta } from './scheme.ts'
import { verifySignature } from './signature.ts'
import { WebhookVerificationError } from './verification-error.ts'

/**
 * A web-standard `Request` whose body is unread, or its headers and raw body (Express with
 * `express.raw`, Lambda…).
 */
export type IncomingWebhook = Request | { headers: HeadersLike; body: RawBody }

/**
 * How to verify: by `secret`, or `secrets` while one rotates; or by `publicKey` (`publicKeys`) or
 * `jwks`, which make nobody but the sender able to sign. Each kind that is passed asks for a
 * signature of its own.
 */
export type VerifyWebhookOptions = {
  secret?: string | undefined
  secrets?: readonly string[] | undefined
  /** The sender's ed25519 key, `whpk_…`. */
  publicKey?: string | undefined
  publicKeys?: readonly string[] | undefined
  /**
   * The sender's JWK set, or its address: `https://…/.well-known/webhooks-jwks.json`. What is read
   * there is kept for five minutes, and read again when a signature fits none of the keys.
   */
  jwks?: JsonWebKeySet | string | undefined
  /** How old or new a timestamp may be, in seconds. Default 300. */
  toleranceSeconds?: number | undefined
  /** The clock in milliseconds, as `Date.now`. */
  now?: (() => number) | undefined
  /**
   * Refuse Agenta's first form, whose signature has no time in it. Signalbox itself always sends
   * Standard Webhooks, so turn this on when nothing else sends to you: it also stops a replay that
   * strips those headers. Default false.
   */
  requireTimestamp?: boolean | undefined
}

/** A webhook whose sender knows the secret. */
export type VerifiedWebhook = {
  /** The same on every attempt and covered by the signature: remember it to act once. */
  id: string
  event: string
  /** When the event happened, RFC 3339. */
  timestamp: string
  /** Narrow it with `isOwnEvent` (one of Signalbox's own) or `isRelayedEvent`. */
  payload: EnvironmentDeployed | RelayedEvent | SignalboxEvent
}

/**
 * Verifies a webhook and reads it. If any Standard Webhooks header is there, only that scheme
 * counts: otherwise removing one header would skip its timestamp. A request without them is checked
 * by `X-Agenta-Signature`. What is returned comes from signed parts only, never from
 * `X-Agenta-Event` or `X-Agenta-Delivery`, which anyone can change.
 * @throws WebhookVerificationError with a `code` that says why.
 */
export async function verifyWebhook(request: IncomingWebhook, options: VerifyWebhookOptions): Promise<VerifiedWebhook> {
  const { headers } = request
  const body = 'arrayBuffer' in request ? new Uint8Array(await request.arrayBuffer()) : request.body
  const { toleranceSeconds, jwks } = options
  const nowSeconds = options.now && options.now() / 1000
  const secrets = together(options.secret, options.secrets)
  const publicKeys = together(options.publicKey, options.publicKeys)
  const input = { headers, body, secrets, publicKeys, jwks, toleranceSeconds, nowSeconds }
  const claim = await verifySignature(input, readStandardOrAgenta)
  if (options.requireTimestamp && claim.timestampSeconds === null) {
    throw new WebhookVerificationError(
      'missing_header',
      'a signature without a time is not accepted',
      'webhook-timestamp',
    )
  }
  const payload = parseEvent(body)
  const id = claim.scheme === 'standard' ? claim.id : payload.delivery_id
  return { id, event: payload.event, timestamp: payload.timestamp, payload }
}

/** Undefined where neither is passed; an unset variable passed as '' still asks for a signature. */
function together(one: string | undefined, several: readonly string[] | undefined): readonly string[] | undefined {
  return one === undefined && several === undefined ? undefined : [one ?? '', ...(several ?? [])]
}

function parseEvent(body: RawBody): SignalboxEvent {
  const payload = parseJson(body)
  if (isSignalboxEvent(payload)) return payload
  throw new WebhookVerificationError('malformed_body', 'the body has no event, timestamp, delivery_id and data')
}

function parseJson(body: RawBody): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(toBytes(body)))
  } catch {
    throw new WebhookVerificationError('malformed_body', 'the body is not JSON in UTF-8')
  }
}
