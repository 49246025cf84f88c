// HTTP for the commands that ask a server, by Node's own client: loading its `fetch` takes longer
// than the rest of such a command.
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Fetch, FetchResponse } from '@signalbox/sdk/client'

/** Sends one request, as `fetch` does. */
export const request: Fetch = async (url, { method = 'GET', headers, body, signal }) => {
  // Not imported: the names of a built-in module are read then, one of them being WebSocket, which
  // loads `fetch` too.
  const client = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  client.request(url, { method, headers, signal }, resolve).on('error', reject).end(body)
  return responseOf(await orReason(promise, signal), signal)
}

function responseOf(answer: IncomingMessage, signal: AbortSignal): FetchResponse {
  const { statusCode: status = 0 } = answer
  const bytes = async () => Buffer.concat(await orReason(answer.toArray(), signal))
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: { get: (name) => answer.headersDistinct[name.toLowerCase()]?.join(', ') ?? null },
    get body() {
      return Readable.toWeb(answer) as ReadableStream<Uint8Array>
    },
    arrayBuffer: async () => Uint8Array.from(await bytes()).buffer,
    text: async () => String(await bytes()),
  }
}

/** The connection itself says only that it was ended, and not that it took too long. */
async function orReason<Value>(asked: Promise<Value>, signal: AbortSignal): Promise<Value> {
  try {
    return await asked
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
