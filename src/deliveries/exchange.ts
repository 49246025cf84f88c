// One request and its answer, as they came: bounded in time and in what is read.

import { subscribe } from 'node:diagnostics_channel'
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Lease } from '../queue/row-lease.ts'
import type { Connection } from './connect.ts'
import { connectionOf } from './connect.ts'

/** What bounds a request. */
export type Bounds = {
  deadlineMs: number
  /** How much of the answer's body is read; then the connection is closed. */
  maxBytes: number
  /** Ends it early. */
  signal?: AbortSignal | undefined
  /** Without any of it left nothing is written. */
  lease?: Pick<Lease, 'leftMs'> | undefined
}

/** What came of a request. Times are those of `performance.now()`. */
export type Exchange = {
  /** Null when there was no answer. */
  head: { statusCode: number; headers: IncomingHttpHeaders } | null
  /** The beginning of the body; a little more than `maxBytes` at most. */
  body: Buffer
  /** Why it ended before all was read; null when nothing was wrong. */
  failure: unknown
  /** The connection it used, or that failed. */
  connection: Connection | null
  /** Whether the connection was opened for this request. */
  isFresh: boolean
  /** When the request began to be written, and when its answer began; null when they did not. */
  writtenAt: number | null
  answeredAt: number | null
}

/** Why a request was ended from here. */
class Ended extends Error {
  readonly code: 'deadline' | 'cancelled'

  constructor(code: 'deadline' | 'cancelled') {
    super(code)
    this.code = code
  }
}

// undici names the socket of a request only on this channel, and there not whose request it is. But
// it publishes right after `onRequestStart`, in the same turn.
let starting: ((socket: object) => void) | null = null
subscribe('undici:client:sendHeaders', (message) => {
  starting?.((message as { socket: object }).socket)
  starting = null
})
const used = new WeakSet<Connection>()

/** Sends a request; never throws for what a receiver or the network does. */
export function exchange(dispatcher: Dispatcher, request: Dispatcher.DispatchOptions, bounds: Bounds) {
  const { promise, resolve } = Promise.withResolvers<Exchange>()
  const chunks: Buffer[] = []
  let bytes = 0
  let controller: Dispatcher.DispatchController | null = null
  let ended: Ended | null = null
  let isOver = false
  const result: Omit<Exchange, 'body' | 'failure'> = {
    head: null,
    connection: null,
    isFresh: false,
    writtenAt: null,
    answeredAt: null,
  }
  const finish = (failure: unknown) => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    bounds.signal?.removeEventListener('abort', cancel)
    resolve({ ...result, body: Buffer.concat(chunks), failure })
  }
  const end = (code: Ended['code']) => {
    ended = new Ended(code)
    finish(ended)
    // Without a controller it waits for its connection, and will not be written.
    controller?.abort(ended)
  }
  const cancel = () => end('cancelled')
  const timer = setTimeout(() => end('deadline'), bounds.deadlineMs)
  bounds.signal?.addEventListener('abort', cancel, { once: true })
  if (bounds.signal?.aborted) cancel()
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
      // This process may have been frozen while it connected.
      if (bounds.lease !== undefined && bounds.lease.leftMs() <= 0) return cancel()
      if (ended !== null) return started.abort(ended)
      starting = (socket) => Object.assign(result, taken(connectionOf(socket)), { writtenAt: performance.now() })
    },
    onResponseStart(_, statusCode, headers) {
      // Those before are only announcements, such as 103 Early Hints.
      if (statusCode < 200) return
      result.head = { statusCode, headers }
      result.answeredAt = performance.now()
    },
    onResponseData(_, chunk) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes < bounds.maxBytes) return
      finish(null)
      controller?.abort(new Error('No more is read.'))
    },
    onResponseEnd: () => finish(null),
    onResponseError(_, error) {
      if (result.connection === null) Object.assign(result, taken(connectionOf(error)))
      finish(error)
    },
  }
  try {
    if (!isOver) dispatcher.dispatch(request, handler)
  } catch (error) {
    finish(error)
  }
  return promise
}

/** The first request of a connection is the one it was opened for. */
function taken(connection: Connection | null): Pick<Exchange, 'connection' | 'isFresh'> {
  const isFresh = connection !== null && !used.has(connection)
  if (isFresh) used.add(connection)
  return { connection, isFresh }
}
