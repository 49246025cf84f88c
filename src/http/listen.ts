// The HTTP server: Node's own, with limits on slow senders.
import type { Server as HttpServer } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createNetServer } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import type { ConnectionLimits } from './connections.ts'
import { boundConnections } from './connections.ts'

// A sender has ten seconds for its headers, and five more for its body; Node answers 408 after
// that. GitHub itself waits ten seconds for the answer.
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 15_000
const CHECK_EVERY_MS = 1_000
// One costs some 10 kB, and 16 more while its headers arrive.
const CONNECTIONS: ConnectionLimits = { max: 2_000, maxPerClient: 1_000, isProxy: () => false }
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
function closeServer(server: HttpServer, sockets: Iterable<Socket>, graceMs: number): Promise<void> {
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

/** Where to listen. */
type Address = {
  host: string
  port: number
  /** The variables that say so. Default: HOST and PORT. */
  variables?: { host: string; port: string }
}

/** Where a service listens: `dev` on loopback only. */
export function addressOf(mode: 'dev' | 'serve', environment: Pick<Environment, 'HOST' | 'PORT'>): Address {
  return { host: mode === 'dev' ? '127.0.0.1' : (environment.HOST ?? '0.0.0.0'), port: environment.PORT }
}

/** Why a server cannot listen, as the setting to correct. */
function listenFailure(error: NodeJS.ErrnoException, { host, port, variables }: Address): Error {
  const { host: hostName, port: portName } = variables ?? { host: 'HOST', port: 'PORT' }
  const problem = (detail: string) => new AppError('config_invalid', detail, { cause: error })
  switch (error.code) {
    case 'EADDRINUSE':
      return problem(`Port ${port} is in use: stop the other program, or set ${portName}.`)
    case 'EACCES':
      return problem(`Port ${port} needs rights that this account does not have: set ${portName} to one above 1023.`)
    case 'EADDRNOTAVAIL':
      return problem(`${hostName} is ${host}, which is no address of this machine.`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return problem(`${hostName} is ${host}, which no name server knows.`)
    default:
      return error
  }
}

/**
 * Checks that a server could listen now, before anything is made for it.
 * @throws AppError `config_invalid` when the address or the port cannot be used.
 */
export async function requireFree(address: Address): Promise<void> {
  const probe = createNetServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => reject(listenFailure(error, address)))
    probe.listen(address.port, address.host, resolve)
  })
  await new Promise((resolve) => probe.close(resolve))
}

function isGone(env: unknown): boolean {
  return (env as HttpBindings).incoming.socket.destroyed
}

/**
 * Starts listening; port 0 lets the system choose.
 * @throws AppError `config_invalid` when the address or the port cannot be used.
 */
export async function openServer(
  app: Hono<{ Bindings: HttpBindings }>,
  options: Address & { requestTimeoutMs?: number; closeGraceMs?: number; connections?: ConnectionLimits },
): Promise<Server> {
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  const server = createAdaptorServer({
    // Of a connection that was closed because it sent too many, the others are read already.
    fetch: (request, env) => (isGone(env) ? new Response(null, { status: 429 }) : app.fetch(request, env)),
    createServer,
    // Of requests by HTTP/1.0 without a Host, as health checks of load balancers are.
    hostname: 'localhost',
    serverOptions: {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeout),
      requestTimeout,
      connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, requestTimeout),
      keepAliveTimeout: 65_000,
    },
  }) as HttpServer
  const sockets = boundConnections(server, options.connections ?? CONNECTIONS)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(error, options)))
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = options.host === '0.0.0.0' || options.host === '::' ? 'localhost' : options.host
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () => closeServer(server, sockets, options.closeGraceMs ?? CLOSE_GRACE_MS),
  }
}
