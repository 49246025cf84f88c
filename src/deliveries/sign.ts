// The headers of one delivery attempt: who it is from, which event it is, and the proof.
import { createHmac, createSecretKey } from 'node:crypto'
import { secretKey, standardPrefix, writeBodySignature, writeStandard } from '@signalbox/sdk/scheme'

/** One attempt to deliver one event. */
export type Signing = {
  /**
   * The event's id, `webhook-id`: the same on every attempt, so that a receiver can act once.
   */
  eventId: string
  eventType: string
  /** The delivery id in the body. */
  deliveryId: string
  /** Exactly the bytes that will be sent. */
  body: Uint8Array
  /** Every live secret, at least one. */
  secrets: readonly [string, ...string[]]
  /** When this attempt is made: a receiver refuses a request that is old. */
  at: Date
  /** This program's version. */
  version: string
}

/**
 * The headers to send with a body. Standard Webhooks 1.0.0: `webhook-signature` holds
 * `v1,<base64>` of HMAC-SHA256 over `{id}.{timestamp}.{body}` for each secret. Agenta:
 * `sha256=<hex>` of HMAC-SHA256 over the body, with the first secret.
 */
export function signedHeaders(signing: Signing): Record<string, string> {
  const { eventId, body, secrets } = signing
  const timestamp = Math.floor(signing.at.getTime() / 1000)
  const prefix = standardPrefix(eventId, timestamp)
  const digests = secrets.map((secret) => {
    const key = createSecretKey(secretKey(secret, 'standard'))
    return createHmac('sha256', key).update(prefix).update(body).digest('base64')
  })
  return {
    'content-type': 'application/json',
    'user-agent': `Signalbox/${signing.version}`,
    'webhook-id': eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': writeStandard(digests),
    'x-agenta-event': headerText(signing.eventType),
    'x-agenta-delivery': headerText(signing.deliveryId),
    'x-agenta-signature': writeBodySignature(createHmac('sha256', secrets[0]).update(body).digest('hex')),
  }
}

// Types and ids of foreign events come from outside, and a header takes visible ASCII only.
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
