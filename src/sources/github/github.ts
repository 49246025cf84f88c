// GitHub as a source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
import { parseJsonObject, parsePayloadForm } from '../body.ts'
import { facts, part, text } from '../fact.ts'
import { requireContentType, requireHeader, requireHeaderLike } from '../header.ts'
import { hexDigest, liveSecrets, requireOpen, requireSignature } from '../signature.ts'
import type { HeaderReader, Normalised, Source } from '../source.ts'
import { githubFacts, githubSubject } from './facts.ts'

const EVENT = 'X-GitHub-Event'
const DELIVERY = 'X-GitHub-Delivery'
const SIGNATURE = 'X-Hub-Signature-256'
const EVENT_NAME = /^[a-z][a-z0-9_]{0,63}$/
const DELIVERY_ID = /^[A-Za-z0-9_.:-]{1,128}$/
const FORM = 'application/x-www-form-urlencoded'
const CONTENT_TYPES = ['application/json', FORM]
// A custom `repository_dispatch` puts any text there, and the type is an index key.
const MAX_ACTION_CHARS = 100

/**
 * GitHub's webhooks, of a repository, an organisation or an App. Events are named `push`,
 * `issues.labeled`: GitHub's event, and its action where it has one. The event's name and the
 * delivery's id are headers, which GitHub does not sign.
 */
export function github(options: { secrets: readonly string[] }): Source {
  const secrets = liveSecrets(options.secrets)
  return {
    name: 'github',
    secrets,
    keptHeaders: [
      'content-type',
      'user-agent',
      'x-github-delivery',
      'x-github-event',
      'x-github-hook-id',
      'x-github-hook-installation-target-id',
      'x-github-hook-installation-target-type',
      // Of no use without the secret, and what shows later that the stored bytes are GitHub's.
      'x-hub-signature-256',
    ],
    checkHeaders(headers) {
      requireOpen(secrets)
      requireContentType(headers, CONTENT_TYPES)
      requireHeaderLike(headers, EVENT, EVENT_NAME)
      requireHeaderLike(headers, DELIVERY, DELIVERY_ID)
      requireHeader(headers, SIGNATURE)
    },
    verify(rawBody, headers) {
      const value = requireHeader(headers, SIGNATURE)
      const signature = value.startsWith('sha256=') ? hexDigest(value.slice('sha256='.length)) : null
      requireSignature(secrets, [signature], rawBody)
    },
    normalise,
  }
}

function normalise(rawBody: Uint8Array, headers: HeaderReader): Normalised {
  const contentType = requireContentType(headers, CONTENT_TYPES)
  const event = requireHeaderLike(headers, EVENT, EVENT_NAME)
  const deliveryId = requireHeaderLike(headers, DELIVERY, DELIVERY_ID)
  const payload = contentType === FORM ? parsePayloadForm(rawBody) : parseJsonObject(rawBody)
  const about = githubFacts(event, payload)
  const action = text(payload.action)?.slice(0, MAX_ACTION_CHARS).toWellFormed()
  return {
    type: action === undefined ? event : `${event}.${action}`,
    deliveryId,
    subject: githubSubject(about, payload),
    actor: text(part(payload.sender).login) ?? about.author ?? null,
    facts: facts(about),
    payload,
  }
}
