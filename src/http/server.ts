// The HTTP server: Node's own, with limits on slow senders.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { AppError } from '../lib/error.ts'

// A sender has ten seconds for its headers and a minute for its body; Node answers 408 after that.
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 60_000
const CHECK_EVERY_MS = 1_000

/** A listening server. */
export type Server = { url: string; port: number; close(): Promise<void> }

/** Starts listening; port 0 lets the system choose. @throws AppError `config_invalid` when the port is taken */
export const openServer = async (
  app: Hono<{ Bindings: HttpBindings }>,
  options: { host: string; port: number; requestTimeoutMs?: number },
): Promise<Server> => {
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
  }) as ReturnType<typeof createServer>
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
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
  }
}
