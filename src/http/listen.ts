// The HTTP server: Node's own, with limits on slow senders.
import type { Server as HttpServer } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { AppError } from '../lib/error.ts'

// A sender has ten seconds for its headers and a minute for its body; Node answers 408 after that.
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 60_000
const CHECK_EVERY_MS = 1_000
// When closing: how long requests that have begun may still take, and how often connections they
// leave behind are looked for.
const CLOSE_GRACE_MS = 10_000
const SWEEP_EVERY_MS = 50

/**
 * A listening server. `close` takes no new connection, answers what was accepted, and cuts off
 * whoever has not finished sending after ten seconds.
 */
export type Server = { url: string; close(): Promise<void> }

/**
 * Closes a server and every connection to it. `server.close` alone would wait for connections that
 * bring request after request, for ones that never sent a byte (browsers open some in advance),
 * and, because it also ends Node's watch over slow senders, for ever for half a request.
 */
function closeServer(server: HttpServer, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'))
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY_MS)
    const cutOff = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearInterval(sweep)
      clearTimeout(cutOff)
      resolve()
    })
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  })
}

/**
 * Starts listening; port 0 lets the system choose.
 * @throws AppError `config_invalid` when the port is taken
 */
export async function openServer(
  app: Hono<{ Bindings: HttpBindings }>,
  options: { host: string; port: number; requestTimeoutMs?: number; closeGraceMs?: number },
): Promise<Server> {
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  const server = createAdaptorServer({
    fetch: app.fetch,
    createServer,
    serverOptions: {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeout),
      requestTimeout,
      connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, requestTimeout),
      keepAliveTimeout: 65_000,
    },
  }) as HttpServer
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new AppError('config_invalid', `Port ${options.port} is in use: stop the other program, or set PORT.`)
          : error,
      ),
    )
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = options.host === '0.0.0.0' || options.host === '::' ? 'localhost' : options.host
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () => closeServer(server, sockets, options.closeGraceMs ?? CLOSE_GRACE_MS),
  }
}
