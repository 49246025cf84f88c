// One attempt: a signed request to an endpoint, and what came of it in the words of a delivery.

import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { storable } from '../db/text.ts'
import { systemFailure, tlsFailure } from '../lib/system-error.ts'
import type { Lease } from '../queue/row-lease.ts'
import { secrecyOf } from '../untrusted/secret-name.ts'
import { AddressRefused } from './connect.ts'
import { TOTAL_DEADLINE_MS } from './dispatcher.ts'
import type { Exchange } from './exchange.ts'
import { exchange } from './exchange.ts'

/** How much of an answer is kept; the rest is not read. */
export const MAX_RESPONSE_BYTES = 16_000
const MAX_HEADERS = 50
const MAX_HEADER_CHARS = 500
const QUICK_MS = 1000

// Why there was no answer, or not all of it; stable names. `response_…` means that a status had
// already arrived.
type SendError =
  | 'dns_error'
  | 'connection_refused'
  | 'unreachable'
  | 'tls_error'
  | 'timeout'
  | 'reset'
  | 'address_refused'
  | 'proxy_error'
  | 'response_invalid'
  | 'response_timeout'
  | 'response_reset'
  | 'cancelled'
  | 'request_failed'
  // By the destination, the SMTP server and the forge, in whose own words `reason` is.
  | 'refused'
  | 'smtp_failed'
  | 'forge_failed'
  | 'not_configured'

/**
 * How long the steps of an attempt took, in ms; null for a step that did not happen, such as
 * connecting when a connection was open already. `first_byte` is from writing the request to the
 * beginning of its answer. Through a proxy, `connect` is everything until the tunnel stands.
 */
export type Timings = {
  dns: number | null
  connect: number | null
  tls: number | null
  first_byte: number | null
  total: number
}

/**
 * What came of one attempt. The status is the receiver's answer, whatever becomes of the body
 * after it.
 */
export type SendResult = {
  statusCode: number | null
  error: SendError | null
  /** What the name of the error leaves out: what is wrong with the certificate, or the host. */
  reason: string | null
  /** `Retry-After` as it came. */
  retryAfter: string | null
  /** `webhook-delivery` as it came: what the receiver wants of further attempts. */
  deliveryControl: string | null
  /** The beginning of the answer's body, as text; null when there was no answer. */
  response: string | null
  /** The answer's headers, without what may be a credential; null when there was no answer. */
  responseHeaders: Record<string, string> | null
  timings: Timings
  /** Address and port of who answered, or of the proxy in between. */
  peer: string | null
  durationMs: number
}

/** One request to send. */
export type Sending = {
  dispatcher: Dispatcher
  url: string
  headers: Record<string, string>
  body: Uint8Array
  /** Default 15 s. */
  deadlineMs?: number | undefined
  /** Ends the attempt early. */
  signal?: AbortSignal | undefined
  /** Without any of it left nothing is written. */
  lease?: Pick<Lease, 'leftMs'> | undefined
}

/**
 * Posts `body` to an endpoint; never throws for what a receiver or the network does. Redirects are
 * answers like any other.
 */
export async function send(sending: Sending): Promise<SendResult> {
  const startedAt = performance.now()
  const exchanged = await attempt(sending)
  const { head, failure } = exchanged
  const durationMs = Math.round(performance.now() - startedAt)
  const { error, reason } = failure === null ? { error: null, reason: null } : networkError(failure)
  return {
    statusCode: head?.statusCode ?? null,
    error: head === null || error === null ? error : inResponse(error),
    reason: head === null ? reason : null,
    retryAfter: headerOf(head, 'retry-after'),
    deliveryControl: headerOf(head, 'webhook-delivery'),
    response: head && storable(exchanged.body.subarray(0, MAX_RESPONSE_BYTES).toString('utf8')),
    responseHeaders: head && shownHeaders(head.headers),
    timings: timingsOf(exchanged, durationMs),
    peer: exchanged.connection?.peer ?? null,
    durationMs,
  }
}

/**
 * Whether an attempt ended at once without an answer, as while a receiver restarts: the next one
 * may well succeed in a moment.
 */
export function isQuickFailure({ statusCode, error, durationMs }: SendResult): boolean {
  return statusCode === null && (error === 'connection_refused' || error === 'reset') && durationMs < QUICK_MS
}

async function attempt({ dispatcher, url, headers, body, deadlineMs, signal, lease }: Sending): Promise<Exchange> {
  try {
    const { origin, pathname, search, username, password } = new URL(url)
    if (username !== '' || password !== '') throw new AddressRefused('must not hold a user name or password')
    const request: Dispatcher.DispatchOptions = {
      origin,
      path: `${pathname}${search}`,
      method: 'POST',
      // What is kept of the answer is for people to read.
      headers: { ...headers, 'accept-encoding': 'identity' },
      body,
    }
    const bounds = { deadlineMs: deadlineMs ?? TOTAL_DEADLINE_MS, maxBytes: MAX_RESPONSE_BYTES, signal, lease }
    return await exchange(dispatcher, request, bounds)
  } catch (failure) {
    const nothing = { head: null, connection: null, isFresh: false, writtenAt: null, answeredAt: null }
    return { ...nothing, body: Buffer.alloc(0), failure }
  }
}

function timingsOf({ connection, isFresh, writtenAt, answeredAt }: Exchange, total: number): Timings {
  const { dns, connect, tls } = (isFresh ? connection : null) ?? { dns: null, connect: null, tls: null }
  return {
    dns: dns && Math.round(dns),
    connect: connect && Math.round(connect),
    tls: tls && Math.round(tls),
    first_byte: writtenAt === null || answeredAt === null ? null : Math.round(answeredAt - writtenAt),
    total,
  }
}

function headerOf(head: Exchange['head'], name: string): string | null {
  const value = head?.headers[name]
  return typeof value === 'string' ? storable(value, MAX_HEADER_CHARS) : null
}

function shownHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const shown = Object.entries(headers)
    .filter(([, value]) => value !== undefined)
    .slice(0, MAX_HEADERS)
    .map(([name, value]) => {
      if (secrecyOf(name) !== 'none') return [name, '[redacted]']
      return [name, storable(String(value), MAX_HEADER_CHARS)]
    })
  return Object.fromEntries(shown)
}

function inResponse(error: SendError): SendError {
  if (error === 'timeout') return 'response_timeout'
  if (error === 'reset') return 'response_reset'
  return error === 'cancelled' ? error : 'response_invalid'
}

const BY_CODE: Record<string, SendError> = {
  deadline: 'timeout',
  cancelled: 'cancelled',
  ENOTFOUND: 'dns_error',
  EAI_AGAIN: 'dns_error',
  ECONNREFUSED: 'connection_refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_HEADERS_OVERFLOW: 'response_invalid',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'response_invalid',
  address_refused: 'address_refused',
  proxy_error: 'proxy_error',
}

function networkError(error: unknown): { error: SendError; reason: string | null } {
  // Happy eyeballs: every address was tried, and the first one's failure says most.
  if (error instanceof AggregateError && error.errors.length > 0) return networkError(error.errors[0])
  const tls = tlsFailure(error)
  if (tls !== null) return { error: 'tls_error', reason: storable(`${tls.reason}. ${tls.remedy}`) }
  const named = namedError(error)
  if (named === null) return networkError((error as Error).cause)
  return { error: named, reason: reasonOf(named, error) }
}

function reasonOf(named: SendError, error: unknown): string | null {
  if (named === 'address_refused' || named === 'proxy_error') return (error as Error).message
  if (named === 'dns_error') return systemFailure(error)?.reason ?? null
  return null
}

/** The name of an error; null when its cause says more. */
function namedError(error: unknown): SendError | null {
  if (!(error instanceof Error)) return 'request_failed'
  const code = 'code' in error ? String(error.code) : ''
  if (code in BY_CODE) return BY_CODE[code] ?? 'request_failed'
  // These have no code in undici.
  if (error.name === 'HTTPParserError') return 'response_invalid'
  return error.cause === undefined ? 'request_failed' : null
}
