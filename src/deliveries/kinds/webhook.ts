// Webhooks: a signed POST of the event's envelope, or of the bytes that its sender sent.
import { z } from 'zod'
import { bodySignature, signedHeaders } from '../sign.ts'
import type { Kind, Prepared, ToPrepare } from './kind.ts'
import { parseSettings, refuseGiven, requireUrl } from './kind.ts'

const settings = z.strictObject({})
/** How many superseded events a request names. */
const MAX_SUPERSEDED = 50

/** Any receiver that verifies Standard Webhooks, Agenta's signature, or GitHub's own. */
export const webhook: Kind = {
  readSettings(given, urlProblem) {
    refuseGiven(given, 'credential', 'a webhook has none; send what it needs in headers')
    const { href } = requireUrl('url', given.url, urlProblem)
    return { url: href, settings: parseSettings(settings, given.settings), credential: null }
  },

  prepare(delivery) {
    const { endpoint } = delivery
    const needsSecret = endpoint.signatures.some((style) => style !== 'ed25519')
    if (needsSecret && endpoint.secrets.length === 0) return { by: 'nothing', reason: 'The endpoint has no secret.' }
    return request(delivery)
  },
}

function request({ endpoint, eventId, event, envelope, at, version, ed25519, ...delivery }: ToPrepare): Prepared {
  const { superseded = [], traceparent, tracestate } = delivery
  const { body, deliveryId, contentType, headers: relayed = {} } = envelope
  const { secrets, signatures } = endpoint
  const signed = signedHeaders({
    eventId,
    eventType: event.type,
    deliveryId,
    body,
    contentType,
    secrets,
    signatures,
    ed25519,
    at,
    version,
  })
  return {
    by: 'http',
    url: endpoint.url,
    headers: {
      ...endpoint.headers,
      ...signed,
      ...relayed,
      ...githubSignature(relayed, secrets, body),
      ...(traceparent !== undefined && { traceparent }),
      ...(traceparent !== undefined && tracestate !== undefined && { tracestate }),
      ...(superseded.length > 0 && { 'x-signalbox-superseded': superseded.slice(-MAX_SUPERSEDED).join(',') }),
    },
    body,
    // A receiver that shows what it was sent would have them stored with its answer.
    secrets: Object.values(endpoint.headers),
  }
}

/** GitHub's own signature over GitHub's own bytes, with the endpoint's first secret. */
function githubSignature(
  relayed: Readonly<Record<string, string>>,
  [secret]: readonly string[],
  body: Uint8Array,
): Record<string, string> {
  if (relayed['x-github-event'] === undefined || secret === undefined) return {}
  return { 'x-hub-signature-256': bodySignature(secret, body) }
}
