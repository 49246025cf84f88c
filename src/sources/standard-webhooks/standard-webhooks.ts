// Standard Webhooks 1.0.0 as a source:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
import type { StandardClaim } from '@signalbox/sdk/scheme'
import { readStandard } from '@signalbox/sdk/scheme'
import { parseJsonObject } from '../../lib/json-body.ts'
import { eventType } from '../event-type.ts'
import { facts, part, text } from '../fact.ts'
import { requireContentType } from '../header.ts'
import { keysOf, liveSecrets, readClaim, requireSignature } from '../signature.ts'
import type { Source } from '../source.ts'

/** The headers of Standard Webhooks, under its own names and under Svix's. */
export const STANDARD_HEADERS: readonly string[] = ['webhook', 'svix'].flatMap((name) => [
  `${name}-id`,
  `${name}-timestamp`,
  `${name}-signature`,
])

/** The type of an event whose body names none. */
const UNNAMED = 'received'

/**
 * Any sender that uses Standard Webhooks, Svix's included. The type is the body's `type` (or
 * `event`) below the source's name, else `<name>.received`; the delivery's id is the signed
 * `webhook-id`.
 * @throws AppError `config_invalid` for a secret that is not a shared secret.
 */
export function standardWebhooks(options: { name: string; secrets: readonly string[] }): Source<StandardClaim> {
  const secrets = liveSecrets(options.secrets)
  const keys = keysOf(secrets, 'standard')
  return {
    name: options.name,
    secrets,
    keptHeaders: ['content-type', 'user-agent', ...STANDARD_HEADERS],
    open(headers) {
      requireContentType(headers, ['application/json'])
      return readClaim(readStandard, headers)
    },
    verify: (claim, rawBody, now) => requireSignature(keys, claim, rawBody, now),
    normalise(claim, rawBody) {
      const payload = parseJsonObject(rawBody)
      const data = part(payload.data)
      const author = text(data.deployed_by)
      return {
        type: eventType(payload.type) ?? eventType(payload.event) ?? UNNAMED,
        deliveryId: claim.id,
        subject: null,
        actor: author ?? null,
        facts: facts({
          environment: text(data.environment),
          app: text(data.app_name),
          project: text(payload.project_id),
          author,
        }),
      }
    },
  }
}
