// What a verified webhook says, whichever of the sender's formats it is in.
import { isRelayedEvent } from '@signalbox/sdk'
import type { JsonObject } from '../../src/lib/json.ts'
import { isObject } from '../../src/lib/json.ts'
import { parseJsonObject } from '../../src/lib/json-body.ts'
import { readAgenta } from '../../src/sources/agenta/payload.ts'

/** A webhook as read; the last three are for the log. */
export type Webhook = {
  /** In the form of `environment.deployed` where it is a deployment. */
  payload: unknown
  type: string | undefined
  timestamp: unknown
  deliveryId: unknown
}

/**
 * Reads a body: an event of Signalbox, a webhook of Agenta in its first or its current format, or
 * the latter relayed by Signalbox.
 * @throws AppError `body_invalid` when it is not a JSON object in UTF-8.
 */
export function readWebhook(bytes: Uint8Array): Webhook {
  const body = parseJsonObject(bytes)
  const { type, id, payload } = readAgenta(relayedFromAgenta(body) ?? body)
  const event = isObject(body.event) ? body.event : {}
  return {
    payload,
    type: type ?? (typeof body.event === 'string' ? body.event : undefined),
    timestamp: body.timestamp ?? event.timestamp,
    deliveryId: body.delivery_id ?? id,
  }
}

/**
 * The payload inside the envelope in which Signalbox relays other senders' events. Only Agenta's is
 * opened: a payload of any other sender cannot become a deployment, whatever it says.
 */
function relayedFromAgenta(body: JsonObject): JsonObject | null {
  if (!isRelayedEvent(body)) return null
  const { source, payload } = body.data
  return source === 'agenta' && isObject(payload) ? payload : null
}
