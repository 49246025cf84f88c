// GitHub as a source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
import type { KeyObject } from 'node:crypto'
import { createHmac } from 'node:crypto'
import type { GithubClaim } from '@signalbox/sdk/scheme'
import { readGithub as readSignature } from '@signalbox/sdk/scheme'
import { AppError } from '../../lib/error.ts'
import { parseJsonObject, parsePayloadForm } from '../../lib/json-body.ts'
import { githubType } from '../event-type.ts'
import { facts, part, text } from '../fact.ts'
import { requireContentType, requireHeaderLike } from '../header.ts'
import { keysOf, liveSecrets, readClaim, requireDigest, requireSignature } from '../signature.ts'
import type { Normalised, Source } from '../source.ts'
import { isContradicted, isUnlikeAnyOther } from './event-of.ts'
import { githubFacts, githubSubject } from './facts.ts'
import { happenedAt } from './happened-at.ts'
import { githubPullRequest } from './pull-request.ts'
import { githubTrace } from './trace.ts'

const EVENT_NAME = /^[a-z][a-z0-9_]{0,63}$/
const DELIVERY_ID = /^[A-Za-z0-9_.:-]{1,128}$/
const FORM = 'application/x-www-form-urlencoded'
// A custom `repository_dispatch` puts any text there.
const MAX_ACTION_CHARS = 100
// Half of a SHA-256, in hexadecimal.
const BODY_KEY_CHARS = 32

const SIGNATURE = 'x-hub-signature-256'

type Envelope = { isForm: boolean; event: string; deliveryId: string; claim: GithubClaim }
/** With the digests that it was signed with, or would have been. */
type Readable = Omit<Envelope, 'claim'> & { digests: readonly string[] }

/**
 * GitHub's webhooks, of a repository, an organisation or an App. Events are named `push`,
 * `issues.labeled`: GitHub's event, and its action where it has one. The event's name and the
 * delivery's id are headers, which GitHub does not sign; an event that the body contradicts is
 * refused, and a body that came before is a repeat whatever the id.
 */
export function github(options: { secrets: readonly string[] }): Source<Envelope> {
  const secrets = liveSecrets(options.secrets)
  const keys = keysOf(secrets, 'github')
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
      SIGNATURE,
    ],
    open: (headers) => ({
      isForm: requireContentType(headers, ['application/json', FORM]) === FORM,
      event: requireHeaderLike(headers, 'X-GitHub-Event', EVENT_NAME),
      deliveryId: requireHeaderLike(headers, 'X-GitHub-Delivery', DELIVERY_ID),
      claim: readClaim(readSignature, headers),
    }),
    verify: ({ claim }, rawBody, now) => requireSignature(keys, claim, rawBody, now),
    normalise: ({ claim, ...request }, rawBody) => read({ ...request, digests: claim.candidates }, rawBody),
    restore({ headers, payload }) {
      const event = requireHeaderLike(headers, 'X-GitHub-Event', EVENT_NAME)
      const deliveryId = requireHeaderLike(headers, 'X-GitHub-Delivery', DELIVERY_ID)
      const claim = headers.get(SIGNATURE) === null ? null : readClaim(readSignature, headers)
      const encodings = [
        { isForm: false, body: Buffer.from(payload) },
        { isForm: true, body: Buffer.from(new URLSearchParams({ payload }).toString()) },
      ] as const
      const signed = encodings.find(({ body }) => claim !== null && isSigned(keys, claim, body))
      const { isForm, body } = signed ?? encodings[0]
      // Another webhook, with another secret, may have sent what arrived by one that has ours.
      const ours = () => keys.slice(0, 1).map((key) => createHmac('sha256', key).update(body).digest('hex'))
      const digests = signed === undefined ? ours() : (claim?.candidates ?? [])
      const changed: Record<string, string | null> = { 'content-type': isForm ? FORM : 'application/json' }
      if (signed === undefined) changed[SIGNATURE] = null
      const get = (name: string) => {
        const own = changed[name.toLowerCase()]
        return own === undefined ? headers.get(name) : own
      }
      return { normalised: read({ isForm, event, deliveryId, digests }, body), body, headers: { get } }
    },
  }
}

function read({ isForm, event, deliveryId, digests }: Readable, rawBody: Uint8Array): Normalised {
  const payload = isForm ? parsePayloadForm(rawBody) : parseJsonObject(rawBody)
  if (isContradicted(event, payload)) {
    throw new AppError('header_invalid', `X-GitHub-Event: the body is not one of ${event}.`)
  }
  const hasKey = digests.length > 0 && isUnlikeAnyOther(event, payload)
  return {
    deliveryId,
    ...readGithub(event, payload),
    ...(hasKey && { bodyKey: digests.join().slice(0, BODY_KEY_CHARS) }),
    ...(isForm && { payload }),
  }
}

function isSigned(keys: readonly KeyObject[], claim: GithubClaim, body: Uint8Array): boolean {
  try {
    requireDigest(keys, claim, body)
    return true
  } catch (error) {
    if (error instanceof AppError) return false
    throw error
  }
}

/** What a payload of GitHub's says; `event` is its `X-GitHub-Event`. */
export function readGithub(
  event: string,
  payload: Record<string, unknown>,
): Omit<Normalised, 'deliveryId' | 'payload'> {
  const about = githubFacts(event, payload)
  const action = text(payload.action)?.slice(0, MAX_ACTION_CHARS).toWellFormed()
  const happened = happenedAt(event, payload)
  const pullRequest = event === 'pull_request' ? githubPullRequest(payload) : undefined
  const trace = githubTrace(event, payload)
  return {
    type: githubType(event, action),
    subject: githubSubject(about, payload),
    actor: text(part(payload.sender).login) ?? about.author ?? null,
    facts: facts(about),
    ...(happened && { happenedAt: happened }),
    ...(pullRequest && { pullRequest }),
    ...(trace && { trace }),
  }
}
