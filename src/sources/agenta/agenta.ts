// Agenta as a source: the webhooks of its first design, those it sends today, and the deliveries of
// another Signalbox.
import { createHash } from 'node:crypto'
import type { AgentaClaim, StandardClaim } from '@signalbox/sdk/scheme'
import { readStandardOrAgenta } from '@signalbox/sdk/scheme'
import { AppError } from '../../lib/error.ts'
import { parseJsonObject } from '../../lib/json-body.ts'
import { eventType } from '../event-type.ts'
import { text } from '../fact.ts'
import { requireContentType } from '../header.ts'
import { keysOf, liveSecrets, readClaim, requireSignature } from '../signature.ts'
import type { HeaderReader, Normalised, Source } from '../source.ts'
import { STANDARD_HEADERS } from '../standard-webhooks/standard-webhooks.ts'
import { agentaType, readAgenta } from './payload.ts'

const DELIVERY_ID = /^[\x21-\x7e]{1,200}$/
const ID_HEADERS = ['x-agenta-delivery', 'x-agenta-delivery-id', 'idempotency-key']
const TYPE_HEADERS = ['x-agenta-event', 'x-agenta-event-type']

type Envelope = {
  claim: StandardClaim | AgentaClaim
  /** The type and the id that the headers say, for a body that has none. */
  type: string | undefined
  id: string | undefined
}

/**
 * Agenta's webhooks. If any header of Standard Webhooks is present only that scheme is accepted;
 * otherwise `X-Agenta-Signature`: `sha256=<hex>` or `<hex>` of the raw body, or `t=…,v1=<hex>` of
 * `{t}.{body}` not older than five minutes.
 *
 * Type and id are read from the signed body first (`event`, `delivery_id`, `event.event_id`), only
 * then from headers, which a replay could change. A request without any id gets the hash of its
 * body for one, so that the same body is the same event.
 *
 * With `isResolved` deployments that Agenta reports today are not translated, for they are resolved
 * through its API.
 */
export function agenta(options: { secrets: readonly string[]; isResolved?: boolean }): Source<Envelope> {
  const secrets = liveSecrets(options.secrets)
  const keys = { standard: keysOf(secrets, 'standard'), agenta: keysOf(secrets, 'agenta') }
  return {
    name: 'agenta',
    secrets,
    keptHeaders: [
      'content-type',
      'user-agent',
      'x-agenta-event-id',
      'x-agenta-signature',
      ...STANDARD_HEADERS,
      ...ID_HEADERS,
      ...TYPE_HEADERS,
    ],
    open(headers) {
      requireContentType(headers, ['application/json'])
      const type = headerAmong(headers, TYPE_HEADERS, (value) => eventType(value) !== undefined)
      const id = headerAmong(headers, ID_HEADERS, (value) => DELIVERY_ID.test(value))
      const claim = readClaim(readStandardOrAgenta, headers)
      return { claim, type: type && agentaType(type), id: claim.scheme === 'standard' ? claim.id : id }
    },
    verify({ claim }, rawBody, now) {
      requireSignature(keys[claim.scheme], claim, rawBody, now)
    },
    normalise: (envelope, rawBody) => normalise(envelope, rawBody, options.isResolved),
  }
}

function normalise(
  { type: headerType, id: headerId }: Envelope,
  rawBody: Uint8Array,
  isResolved: boolean | undefined,
): Normalised {
  const body = parseJsonObject(rawBody)
  const { id, facts, payload, ...read } = readAgenta(body, { isResolved: isResolved === true })
  const type = read.type ?? headerType
  if (type === undefined) {
    throw new AppError('body_invalid', 'Neither the body nor X-Agenta-Event says which event it is.')
  }
  const { app, environment, author } = facts
  return {
    type,
    deliveryId:
      (id !== undefined && DELIVERY_ID.test(id) ? id : undefined) ??
      headerId ??
      `sha256:${createHash('sha256').update(rawBody).digest('hex')}`,
    subject: (environment === undefined ? app : text(`${app ?? ''}@${environment}`)) ?? null,
    actor: author ?? null,
    facts,
    ...(payload === body ? {} : { payload }),
  }
}

/**
 * The first of these headers that is there.
 * @throws AppError `header_invalid` when it does not fit.
 */
function headerAmong(
  headers: HeaderReader,
  names: readonly string[],
  fits: (value: string) => boolean,
): string | undefined {
  const name = names.find((each) => headers.get(each))
  if (name === undefined) return undefined
  const value = headers.get(name) ?? ''
  if (!fits(value)) throw new AppError('header_invalid', `${name}: the header is malformed.`)
  return value
}
