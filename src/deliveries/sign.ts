// The headers of one delivery attempt: who it is from, which event it is, and the proof.
import { createHmac, createSecretKey } from 'node:crypto'
import { secretKey, standardPrefix, writeBodySignature, writeStandard } from '@signalbox/sdk/scheme'
import type { Ed25519Signer } from './sign-ed25519.ts'

/**
 * How a body is signed: `standard` and `ed25519` in the headers of Standard Webhooks, with the
 * secrets or with this installation's own key, and `agenta` in Agenta's.
 */
export type SignatureStyle = 'standard' | 'agenta' | 'ed25519'

/** The styles of an endpoint that does not say which. */
const DEFAULT_SIGNATURES: readonly SignatureStyle[] = ['standard', 'agenta']

/** One attempt to deliver one event. */
export type Signing = {
  /** The event's id, `webhook-id`: the same on every attempt, so that a receiver can act once. */
  eventId: string
  eventType: string
  /** The delivery id in the body. */
  deliveryId: string
  /** Exactly the bytes that will be sent. */
  body: Uint8Array
  /** What the body is. Default: `application/json`. */
  contentType?: string | undefined
  /** Every live secret; at least one, except where `ed25519` alone signs. */
  secrets: readonly string[]
  signatures?: readonly SignatureStyle[] | undefined
  ed25519?: Ed25519Signer | undefined
  /** When this attempt is made: a receiver refuses a request that is old. */
  at: Date
  /** This program's version. */
  version: string
}

/**
 * The headers to send with a body. Standard Webhooks 1.0.0: `webhook-signature` has `v1,<base64>`
 * of HMAC-SHA256 over `{id}.{timestamp}.{body}` for each secret, and `v1a,<base64>` of Ed25519 over
 * the same. Agenta: `sha256=<hex>` of HMAC-SHA256 over the body, with the first secret. A style
 * that is not asked for leaves none of its headers, because a receiver that finds one goes by it.
 */
export function signedHeaders(signing: Signing): Record<string, string> {
  const { signatures = DEFAULT_SIGNATURES } = signing
  const isStandard = signatures.includes('standard') || signatures.includes('ed25519')
  return {
    'content-type': signing.contentType ?? 'application/json',
    'user-agent': `Signalbox/${signing.version}`,
    ...(isStandard && standardHeaders(signing, signatures)),
    ...(signatures.includes('agenta') && agentaHeaders(signing)),
  }
}

/** `sha256=<hex>` of HMAC-SHA256 over a body: GitHub's signature, and Agenta's. */
export function bodySignature(secret: string, body: Uint8Array): string {
  return writeBodySignature(createHmac('sha256', secret).update(body).digest('hex'))
}

function standardHeaders(signing: Signing, signatures: readonly SignatureStyle[]): Record<string, string> {
  const { eventId, body, secrets, ed25519 } = signing
  const timestamp = Math.floor(signing.at.getTime() / 1000)
  const prefix = standardPrefix(eventId, timestamp)
  const digests = signatures.includes('standard') ? secrets.map((secret) => standardDigest(secret, prefix, body)) : []
  const hmacs = digests.length === 0 ? [] : [writeStandard(digests)]
  const own =
    signatures.includes('ed25519') && ed25519 !== undefined
      ? [`v1a,${ed25519.sign(Buffer.concat([Buffer.from(prefix), body]))}`]
      : []
  return {
    'webhook-id': eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': [...hmacs, ...own].join(' '),
  }
}

function standardDigest(secret: string, prefix: string, body: Uint8Array): string {
  const key = createSecretKey(secretKey(secret, 'standard'))
  return createHmac('sha256', key).update(prefix).update(body).digest('base64')
}

function agentaHeaders({ eventType, deliveryId, body, secrets }: Signing): Record<string, string> {
  const [first] = secrets
  return {
    'x-agenta-event': headerText(eventType),
    'x-agenta-delivery': headerText(deliveryId),
    ...(first !== undefined && { 'x-agenta-signature': bodySignature(first, body) }),
  }
}

// Types and ids of foreign events come from outside, and a header takes visible ASCII only.
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
