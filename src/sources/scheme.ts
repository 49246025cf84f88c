// What a request's headers claim about its signature; which bytes are signed, and the digests sent.
import { AppError } from '../lib/error.ts'
import { requireHeader, requireHeaderLike } from './header.ts'
import type { Claim } from './signature.ts'
import type { HeaderReader } from './source.ts'

const STANDARD_NAMES = ['webhook', 'svix'] as const
const AGENTA = 'X-Agenta-Signature'
const GITHUB = 'X-Hub-Signature-256'

/**
 * Whether a request claims to be signed as Standard Webhooks. Any one of the headers is enough, so
 * that leaving a header out cannot lead to a weaker scheme.
 */
export function hasStandardHeaders(headers: HeaderReader): boolean {
  return standardName(headers) !== undefined
}

/** Standard Webhooks' claim: its id is signed. */
export type StandardClaim = Claim & { id: string }

/**
 * Reads `webhook-id`, `webhook-timestamp` and `webhook-signature` (or `svix-…`): `v1,<base64>` of
 * `{id}.{timestamp}.{body}`, several separated by spaces.
 * @throws AppError `header_missing` or `header_invalid`.
 */
export function readStandard(headers: HeaderReader): StandardClaim {
  const name = standardName(headers) ?? 'webhook'
  const id = requireHeaderLike(headers, `${name}-id`, /^[\x21-\x7e]{1,200}$/)
  const timestamp = requireHeaderLike(headers, `${name}-timestamp`, /^\d{1,12}$/)
  const items = requireHeader(headers, `${name}-signature`).split(' ')
  return {
    id,
    prefix: `${id}.${timestamp}.`,
    encoding: 'base64',
    candidates: valuesOf(items, 'v1,'),
    timestampSeconds: Number(timestamp),
  }
}

/**
 * Reads `X-Agenta-Signature`: `sha256=<hex>` or bare `<hex>` of the body, or
 * `t=<Unix seconds>,v1=<hex>` of `{t}.{body}`. A header with items is only ever read as the second
 * form, so that a signature without a time cannot rescue a stale one.
 * @throws AppError `header_missing` or `header_invalid`.
 */
export function readAgenta(headers: HeaderReader): Claim {
  const value = requireHeader(headers, AGENTA)
  if (!/,|^\s*(t|v\d+)=/.test(value)) {
    return { prefix: '', encoding: 'hex', candidates: [value.replace(/^sha256=/, '')], timestampSeconds: null }
  }
  const items = value.split(',').map((item) => item.trim())
  const [t = '', ...more] = valuesOf(items, 't=')
  if (!/^\d{1,12}$/.test(t) || more.length > 0) {
    throw new AppError('header_invalid', `The header ${AGENTA} must have exactly one t=<Unix seconds>.`)
  }
  return { prefix: `${t}.`, encoding: 'hex', candidates: valuesOf(items, 'v1='), timestampSeconds: Number(t) }
}

/**
 * Reads `X-Hub-Signature-256`: `sha256=<hex>` of the body.
 * @throws AppError `header_missing`.
 */
export function readGithub(headers: HeaderReader): Claim {
  const candidates = valuesOf([requireHeader(headers, GITHUB)], 'sha256=')
  return { prefix: '', encoding: 'hex', candidates, timestampSeconds: null }
}

function standardName(headers: HeaderReader): 'webhook' | 'svix' | undefined {
  const parts = ['id', 'timestamp', 'signature']
  return STANDARD_NAMES.find((name) => parts.some((part) => headers.get(`${name}-${part}`) !== null))
}

function valuesOf(items: readonly string[], key: string): string[] {
  return items.filter((item) => item.startsWith(key)).map((item) => item.slice(key.length))
}
