// Agenta as a source: the seed's signature and payload, those Agenta ships today, and Signalbox's
// own deliveries.
import { createHash } from 'node:crypto'
import { AppError } from '../../lib/error.ts'
import { parseJsonObject } from '../body.ts'
import { facts, text } from '../fact.ts'
import { requireContentType, requireHeader } from '../header.ts'
import { hexDigest, liveSecrets, requireOpen, requireSignature } from '../signature.ts'
import type { HeaderReader, Normalised, Source } from '../source.ts'
import {
  eventType,
  isStandard,
  requireFresh,
  requireStandardHeaders,
  standardKey,
  verifyStandard,
} from '../standard-webhooks/standard-webhooks.ts'
import { readAgenta } from './payload.ts'

const SIGNATURE = 'X-Agenta-Signature'
const CONTENT_TYPES = ['application/json']
const DELIVERY_ID = /^[\x21-\x7e]{1,200}$/
const ID_HEADERS = ['webhook-id', 'x-agenta-delivery', 'x-agenta-delivery-id', 'idempotency-key']
const TYPE_HEADERS = ['x-agenta-event', 'x-agenta-event-type']

/**
 * Agenta's webhooks. Signed as Standard Webhooks when any of its headers is there, and then that
 * alone decides; else by `X-Agenta-Signature`: `sha256=<hex>` or `<hex>` of the raw body, or
 * `t=…,v1=<hex>` of `{t}.{body}` not older than five minutes.
 *
 * Type and id are read from the signed body first (`event`, `delivery_id`, `event.event_id`), only
 * then from headers, which a replay could change; a request without any id has the hash of its body
 * for one, so that the same body is the same event.
 */
export function agenta(options: { secrets: readonly string[] }): Source {
  const secrets = liveSecrets(options.secrets)
  const standardKeys = secrets.map(standardKey)
  return {
    name: 'agenta',
    secrets,
    keptHeaders: [
      'content-type',
      'user-agent',
      'x-agenta-event-id',
      'x-agenta-signature',
      'webhook-timestamp',
      'webhook-signature',
      ...ID_HEADERS,
      ...TYPE_HEADERS,
    ],
    checkHeaders(headers) {
      requireOpen(secrets)
      requireContentType(headers, CONTENT_TYPES)
      if (isStandard(headers)) requireStandardHeaders(headers)
      else requireHeader(headers, SIGNATURE)
    },
    verify(rawBody, headers, now) {
      requireOpen(secrets)
      if (isStandard(headers)) return verifyStandard(standardKeys, rawBody, headers, now)
      const value = requireHeader(headers, SIGNATURE)
      // A header that has items is only ever read as the timed form: an untimed signature must not
      // rescue a wrong one.
      if (/,|^\s*(t|v\d+)=/.test(value)) return verifyTimed(secrets, value, rawBody, now)
      requireSignature(secrets, [hexDigest(value.replace(/^sha256=/, ''))], rawBody)
    },
    normalise,
  }
}

function verifyTimed(secrets: readonly string[], value: string, rawBody: Uint8Array, now: Date): void {
  const items = value.split(',').map((item) => item.trim())
  const [time, ...more] = items.filter((item) => item.startsWith('t='))
  const timestamp = time?.slice('t='.length) ?? ''
  if (!/^\d{1,12}$/.test(timestamp) || more.length > 0) {
    throw new AppError('header_invalid', `the header ${SIGNATURE} must have exactly one t=<Unix seconds>`)
  }
  requireFresh(timestamp, now)
  const digests = items.filter((item) => item.startsWith('v1=')).map((item) => hexDigest(item.slice('v1='.length)))
  requireSignature(secrets, digests, `${timestamp}.`, rawBody)
}

function normalise(rawBody: Uint8Array, headers: HeaderReader): Normalised {
  requireContentType(headers, CONTENT_TYPES)
  const read = readAgenta(parseJsonObject(rawBody))
  const type = read.type ?? headerAmong(headers, TYPE_HEADERS, (value) => eventType(value) !== undefined)
  if (type === undefined)
    throw new AppError('body_invalid', 'neither the body nor X-Agenta-Event says which event it is')
  const { app, environment, author } = read.facts
  return {
    type,
    deliveryId:
      (read.id !== undefined && DELIVERY_ID.test(read.id) ? read.id : undefined) ??
      headerAmong(headers, ID_HEADERS, (value) => DELIVERY_ID.test(value)) ??
      `sha256:${createHash('sha256').update(rawBody).digest('hex')}`,
    subject: (environment === undefined ? app : text(`${app ?? ''}@${environment}`)) ?? null,
    actor: author ?? null,
    facts: facts(read.facts),
    payload: read.payload,
  }
}

/** The first of these headers that is there; throws `header_invalid` when it does not fit. */
function headerAmong(
  headers: HeaderReader,
  names: readonly string[],
  fits: (value: string) => boolean,
): string | undefined {
  const name = names.find((each) => headers.get(each))
  if (name === undefined) return undefined
  const value = headers.get(name) ?? ''
  if (!fits(value)) throw new AppError('header_invalid', `the header ${name} is malformed`)
  return value
}
