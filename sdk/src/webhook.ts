// Receiving a Signalbox webhook: one call from the raw request to a verified, typed event.

import type { HeadersLike } from './header.ts'
import { readHeader } from './header.ts'
import type { RawBody } from './hmac.ts'
import { toBytes } from './hmac.ts'
import type { EnvironmentDeployed, SignalboxEvent } from './payload.ts'
import { isSignalboxEvent } from './payload.ts'
import type { TimedVerifyInput } from './signature.ts'
import { verifyAgenta, verifyStandard } from './signature.ts'
import { WebhookVerificationError } from './verification-error.ts'

/** A web-standard `Request` whose body is unread, or its headers and raw body (Express with `express.raw`, Lambda…). */
export type IncomingWebhook = Request | { headers: HeadersLike; body: RawBody }

/** How to verify; give `secret`, or `secrets` while one rotates. */
export interface VerifyWebhookOptions {
  secret?: string | undefined
  secrets?: readonly string[] | undefined
  /** How old or new a timestamp may be, in seconds. Default 300. */
  toleranceSeconds?: number | undefined
  /** The clock in milliseconds, as `Date.now`. */
  now?: (() => number) | undefined
  /**
   * Refuse Agenta's first form, whose signature has no time in it. Signalbox itself always sends Standard Webhooks, so
   * turn this on when nothing else sends to you: it also stops a replay that strips those headers. Default false.
   */
  requireTimestamp?: boolean | undefined
}

/** A webhook whose sender knows the secret. */
export interface VerifiedWebhook {
  /** The same on every attempt and covered by the signature: remember it to act once. */
  id: string
  event: string
  /** When the event happened, RFC 3339. */
  timestamp: string
  /** Narrow it with `isEnvironmentDeployed`. */
  payload: EnvironmentDeployed | SignalboxEvent
}

const STANDARD_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature']

/**
 * Verifies a webhook and reads it; throws WebhookVerificationError. Standard Webhooks decides alone as soon as any of its
 * headers is there; only a request without them is checked by `X-Agenta-Signature`. What is returned comes from signed
 * parts only, never from `X-Agenta-Event` or `X-Agenta-Delivery`, which anyone can change.
 */
export async function verifyWebhook(request: IncomingWebhook, options: VerifyWebhookOptions): Promise<VerifiedWebhook> {
  const { headers } = request
  const body = 'arrayBuffer' in request ? new Uint8Array(await request.arrayBuffer()) : request.body
  const secrets = [options.secret ?? '', ...(options.secrets ?? [])]
  const nowSeconds = options.now && options.now() / 1000
  const input = { headers, body, secrets, toleranceSeconds: options.toleranceSeconds, nowSeconds }
  const signedId = await verifyStrongest(input, options.requireTimestamp ?? false)
  const payload = parseEvent(body)
  return { id: signedId ?? payload.delivery_id, event: payload.event, timestamp: payload.timestamp, payload }
}

async function verifyStrongest(input: TimedVerifyInput, requireTimestamp: boolean): Promise<string | undefined> {
  const isAgenta = readHeader(input.headers, 'x-agenta-signature') !== ''
  if (STANDARD_HEADERS.some((name) => readHeader(input.headers, name) !== '') || !isAgenta) {
    return (await verifyStandard(input)).id
  }
  const { timestampSeconds } = await verifyAgenta(input)
  if (requireTimestamp && timestampSeconds === null) {
    throw new WebhookVerificationError(
      'missing_header',
      'a signature without a time is not accepted',
      'webhook-timestamp',
    )
  }
  return undefined
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
