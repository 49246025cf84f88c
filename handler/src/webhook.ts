// What a verified webhook says, whichever of the sender's formats it is in.
import { isRelayedEvent } from '@signalbox/sdk'
import type { JsonObject } from '../../src/lib/json.ts'
import { isObject } from '../../src/lib/json.ts'
import { parseJsonObject } from '../../src/lib/json-body.ts'
import { readAgenta } from '../../src/sources/agenta/payload.ts'

const DEPLOYED = 'environment.deployed'

/** A webhook as read; all but the deployment are for the log. */
export type Webhook = {
  /** In the form of `environment.deployed`; null for every other event. */
  deployment: unknown
  type: unknown
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
  const { type, payload } = readAgenta(agentaBody(body))
  const isDeployment = type === DEPLOYED
  const event = isObject(body.event) ? body.event : {}
  return {
    deployment: isDeployment ? payload : null,
    type: isDeployment ? DEPLOYED : (event.event_type ?? body.event),
    timestamp: body.timestamp ?? event.timestamp,
    deliveryId: body.delivery_id ?? event.event_id,
  }
}

/**
 * What Agenta sent: the body, or the payload in the envelope in which Signalbox relays other
 * senders' events. Nothing of what another source sent: it cannot become a deployment, whatever it
 * says.
 */
function agentaBody(body: JsonObject): JsonObject {
  if (!isRelayedEvent(body)) return body
  const { source, payload } = body.data
  return source === 'agenta' && isObject(payload) ? payload : {}
}
