// The headers of one delivery attempt: Standard Webhooks and Agenta's first form side by side.
import type { RawBody } from './bytes.ts'
import type { Secrets } from './secret.ts'
import { liveSecrets } from './secret.ts'
import { signBody, signStandard } from './signature.ts'

/** One attempt to deliver one event. */
export type DeliveryHeadersInput = {
  /** `webhook-id`: the same on every attempt. */
  id: string
  /** The event's type, such as `environment.deployed`. */
  event: string
  deliveryId: string
  /** When this attempt is made, in whole Unix seconds. */
  timestampSeconds: number
  /** Exactly the bytes that will be sent. */
  body: RawBody
  /** Every live secret; Agenta's form takes one signature: the first secret's. */
  secrets: Secrets
  /** Ed25519 keys, `whsk_…`, to sign with as well. */
  signingKeys?: Secrets | undefined
}

/** The signature headers to send with a body; `content-type` stays the caller's. */
export async function deliveryHeaders(input: DeliveryHeadersInput): Promise<Record<string, string>> {
  const secrets = liveSecrets(input.secrets)
  const { id, timestampSeconds, body, signingKeys } = input
  const [standard, agenta] = await Promise.all([
    signStandard({ id, timestampSeconds, body, secrets, signingKeys }),
    signBody({ body, secret: secrets[0] }),
  ])
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': standard,
    'X-Agenta-Event': input.event,
    'X-Agenta-Delivery': input.deliveryId,
    'X-Agenta-Signature': agenta,
  }
}
