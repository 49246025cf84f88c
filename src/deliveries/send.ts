// One HTTP request to an endpoint: bounded in time and in what it reads, and never redirected.

import type { buildConnector, Dispatcher } from 'undici'
import { Agent } from 'undici'
import { storable } from '../db/text.ts'
import { systemFailure, tlsFailure } from '../lib/system-error.ts'

/** What one attempt may take in all, from connecting to the last byte of the answer. */
const TOTAL_DEADLINE_MS = 10_000
/** How much of an answer is kept; the rest is not read. */
export const MAX_RESPONSE_BYTES = 16_000

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
  | 'response_invalid'
  | 'response_timeout'
  | 'response_reset'
  | 'cancelled'
  | 'request_failed'

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
  /** The beginning of the answer's body, as text; null when there was no answer. */
  response: string | null
  durationMs: number
}

/** One request to send. */
export type Sending = {
  dispatcher: Dispatcher
  url: string
  headers: Record<string, string>
  body: Uint8Array
  deadlineMs?: number | undefined
  /** Ends the attempt early. */
  signal?: AbortSignal | undefined
}

/**
 * Opens the connections deliveries are sent over, a pool for each origin. `connect` is the
 * place for an address guard: options for, or a replacement of, undici's connector (it may fail
 * with an error whose `code` is `address_refused`).
 */
export function openDispatcher(connect?: Partial<buildConnector.BuildOptions> | buildConnector.connector): Agent {
  return new Agent({
    connect: connect ?? { timeout: TOTAL_DEADLINE_MS },
    // undici keeps an HTTP/2 session whose requests time out, so that one that fell silent
    // would fail every attempt.
    allowH2: false,
    // undici's own limits are per phase and per chunk: a slow drip passes them for ever. One
    // signal ends everything instead.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4000,
    keepAliveMaxTimeout: 30_000,
  })
}

/**
 * Posts `body` to an endpoint; never throws for what a receiver or the network does. Redirects
 * are answers like any other.
 */
export async function send(sending: Sending): Promise<SendResult> {
  const startedAt = performance.now()
  const deadline = AbortSignal.timeout(sending.deadlineMs ?? TOTAL_DEADLINE_MS)
  const signal = sending.signal === undefined ? deadline : AbortSignal.any([deadline, sending.signal])
  const outcome = await attempt(sending, signal, deadline)
  return { ...outcome, durationMs: Math.round(performance.now() - startedAt) }
}

type Answer = Omit<SendResult, 'durationMs'>

async function attempt(sending: Sending, signal: AbortSignal, deadline: AbortSignal): Promise<Answer> {
  const errorOf = (error: unknown): Pick<Answer, 'reason'> & { error: SendError } => {
    if (deadline.aborted) return { error: 'timeout', reason: null }
    return signal.aborted ? { error: 'cancelled', reason: null } : networkError(error)
  }
  try {
    const url = new URL(sending.url)
    const { statusCode, headers, body } = await sending.dispatcher.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      // What is kept of the answer is for people to read.
      headers: { ...sending.headers, 'accept-encoding': 'identity' },
      body: sending.body,
      signal,
    })
    const { text, failure } = await readExcerpt(body)
    const retryAfter = headers['retry-after']
    return {
      statusCode,
      error: failure === undefined ? null : inResponse(errorOf(failure).error),
      reason: null,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
      response: text,
    }
  } catch (error) {
    return { statusCode: null, ...errorOf(error), retryAfter: null, response: null }
  }
}

async function readExcerpt(body: Dispatcher.ResponseData['body']): Promise<{ text: string; failure?: unknown }> {
  const chunks: Buffer[] = []
  let bytes = 0
  let failure: unknown
  // Destroying a body that has not ended raises an error nobody waits for.
  body.on('error', () => {})
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= MAX_RESPONSE_BYTES) break
    }
  } catch (error) {
    failure = error
  } finally {
    body.destroy()
  }
  const excerpt = Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES)
  const text = storable(excerpt.toString('utf8'))
  return failure === undefined ? { text } : { text, failure }
}

function inResponse(error: SendError): SendError {
  if (error === 'timeout') return 'response_timeout'
  if (error === 'reset') return 'response_reset'
  return error === 'cancelled' ? error : 'response_invalid'
}

const BY_CODE: Record<string, SendError> = {
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
}

function networkError(error: unknown): Pick<Answer, 'reason'> & { error: SendError } {
  // Happy eyeballs: every address was tried, and the first one's failure says most.
  if (error instanceof AggregateError && error.errors.length > 0) return networkError(error.errors[0])
  const tls = tlsFailure(error)
  if (tls !== null) return { error: 'tls_error', reason: storable(`${tls.reason}. ${tls.remedy}`) }
  const named = namedError(error)
  if (named === null) return networkError((error as Error).cause)
  return { error: named, reason: named === 'dns_error' ? (systemFailure(error)?.reason ?? null) : null }
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
