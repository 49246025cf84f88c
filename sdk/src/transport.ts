// JSON over fetch: authorization, time limit, the wire form of errors, and repeating what is safe
// to repeat.
import type { Fetch, FetchInit, FetchResponse } from './fetch.ts'
import type { ServerEvent } from './server-events.ts'
import { readEvents } from './server-events.ts'
import { SignalboxError } from './signalbox-error.ts'

const MAX_RETRIES = 3
const FIRST_RETRY_MS = 250
const DEFAULT_TIMEOUT_MS = 30_000
const MAX_DETAIL_CHARS = 200

/** Where the server is and how to reach it. */
export type TransportOptions = {
  /** The server's address, with its path if it has one: `https://signalbox.example.com`. */
  url: string
  /** Sent as `Authorization: Bearer`; only `signalbox dev` answers without one. */
  token?: string | undefined
  /** Another `fetch`, for tests or a proxy; it needs only what is used here. */
  fetch?: Fetch | undefined
  /** How to wait between attempts, in milliseconds. */
  wait?: ((delayMs: number) => Promise<void>) | undefined
  /** Limit of each single attempt. Default 30 seconds. */
  timeoutMs?: number | undefined
}

/**
 * The calls of the API. A POST with an idempotency key is attempted up to four times, everything
 * else once.
 */
export type Transport = {
  get<Answer>(path: string, query?: object): Promise<Answer>
  /** Opens a stream of server-sent events; it ends when nothing comes for `timeoutMs`. */
  events(path: string, options: { after: number; signal?: AbortSignal | undefined }): AsyncGenerator<ServerEvent>
  getBytes(path: string): Promise<{ bytes: Uint8Array<ArrayBuffer>; headers: FetchResponse['headers'] }>
  post<Answer>(path: string, body?: object, idempotencyKey?: string): Promise<Answer>
  send<Answer>(method: 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer>
  /** Waits between attempts. */
  wait(delayMs: number): Promise<void>
  /** The limit of each attempt. */
  timeoutMs: number
}

/** Prepares calls to one server. */
export function openTransport(options: TransportOptions): Transport {
  if (!URL.canParse(options.url ?? '')) throw new TypeError('url: must be the address of a Signalbox server')
  const base = new URL(options.url.endsWith('/') ? options.url : `${options.url}/`)
  // Errors about a header quote it: a token with a line break would be shown by them.
  if (options.token && !/^[\x21-\x7e]+$/.test(options.token)) {
    throw new TypeError('token: must be visible ASCII characters without spaces')
  }
  const authorization = options.token ? { authorization: `Bearer ${options.token}` } : {}
  const { wait = waitFor, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  // Called as a bare function: Workers refuse `fetch` as a method of another object.
  const request: Fetch = options.fetch ?? ((input, init) => fetch(input, init))

  async function call<Answer>(
    url: URL,
    init: Init,
    read: (response: FetchResponse) => Promise<Answer>,
  ): Promise<Answer> {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      // A redirect would turn the POST into a GET; better to say that the address is wrong.
      return await read(await request(url, { ...init, signal, redirect: 'manual' }))
    } catch (cause) {
      if (cause instanceof SignalboxError) throw cause
      throw new SignalboxError(0, 'unreachable', `There is no answer from ${base.origin}.`, { cause })
    }
  }

  async function callRepeatedly<Answer>(url: URL, init: Init, retriesLeft: number): Promise<Answer> {
    try {
      return await call<Answer>(url, init, readJson)
    } catch (error) {
      if (retriesLeft === 0 || !isTemporary(error)) throw error
      const delayMs = FIRST_RETRY_MS * 2 ** (MAX_RETRIES - retriesLeft)
      await wait(delayMs * (1 + Math.random()))
      return callRepeatedly(url, init, retriesLeft - 1)
    }
  }

  async function* events(path: string, { after, signal }: { after: number; signal?: AbortSignal | undefined }) {
    const idle = new AbortController()
    const limit = () => setTimeout(() => idle.abort(), timeoutMs)
    let timer = limit()
    const stop = signal === undefined ? idle.signal : AbortSignal.any([idle.signal, signal])
    const headers = { ...authorization, accept: 'text/event-stream', 'last-event-id': String(after) }
    try {
      const response = await request(new URL(path, base), { headers, signal: stop, redirect: 'manual' })
      if (!response.ok || response.body === null) throw refusal(response.status, await response.text())
      yield* readEvents(response.body, () => {
        clearTimeout(timer)
        timer = limit()
      })
    } catch (cause) {
      if (signal?.aborted) return
      if (cause instanceof SignalboxError) throw cause
      throw new SignalboxError(0, 'unreachable', `The connection to ${base.origin} was lost.`, { cause })
    } finally {
      clearTimeout(timer)
      idle.abort()
    }
  }

  return {
    wait,
    timeoutMs,
    events,
    get<Answer>(path: string, query: object = {}) {
      const url = new URL(path, base)
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) url.searchParams.set(name, String(value))
      }
      return call(url, { headers: authorization }, readJson<Answer>)
    },
    getBytes: (path) => call(new URL(path, base), { headers: authorization }, readBytes),
    post: (path, body, idempotencyKey) => {
      const idempotency = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
      const init = writing('POST', body, { ...authorization, ...idempotency })
      return callRepeatedly(new URL(path, base), init, idempotencyKey === undefined ? 0 : MAX_RETRIES)
    },
    send: <Answer>(method: string, path: string, body?: object) =>
      call(new URL(path, base), writing(method, body, authorization), readJson<Answer>),
  }
}

type Init = Omit<FetchInit, 'signal' | 'redirect'>

function writing(method: string, body: object | undefined, headers: Record<string, string>): Init {
  return body === undefined
    ? { method, headers }
    : { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

function waitFor(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}

/** Whether the same call may succeed later. */
export function isTemporary(error: unknown): boolean {
  return (
    error instanceof SignalboxError && (error.code === 'unreachable' || error.status === 429 || error.status >= 500)
  )
}

async function readBytes(
  response: FetchResponse,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; headers: FetchResponse['headers'] }> {
  if (!response.ok) throw refusal(response.status, await response.text())
  return { bytes: new Uint8Array(await response.arrayBuffer()), headers: response.headers }
}

async function readJson<Answer>(response: FetchResponse): Promise<Answer> {
  const text = await response.text()
  const body = parseObject(text)
  if (response.ok && body) return body as Answer
  throw refusal(response.status, text)
}

function refusal(status: number, text: string): SignalboxError {
  const { code, detail } = parseObject(text) ?? {}
  return new SignalboxError(
    status,
    typeof code === 'string' ? code : `http_${status}`,
    typeof detail === 'string' ? detail : text.slice(0, MAX_DETAIL_CHARS),
  )
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
