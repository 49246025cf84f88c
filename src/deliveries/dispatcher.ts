// The connections deliveries are sent over: a pool for each origin, directly or through the
// operator's proxy.

import type { buildConnector, Dispatcher } from 'undici'
import { Agent, EnvHttpProxyAgent, errors, Pool } from 'undici'
import { addressGuard } from '../lib/address-guard.ts'
import { systemFailure, tlsFailure } from '../lib/system-error.ts'
import type { Connecting } from './connect.ts'
import { guardedTunnel, openConnector } from './connect.ts'

/** The proxies of the environment, each an `http:` or `https:` URL. */
export type Proxies = {
  HTTP_PROXY?: string | undefined
  HTTPS_PROXY?: string | undefined
  /** Hosts to reach without a proxy. */
  NO_PROXY?: string | undefined
}

/** How deliveries leave. */
export type DispatcherOptions = Partial<Pick<Connecting, 'guard' | 'lookup'>> & {
  /** Default: none. */
  proxies?: Proxies | undefined
  /** The longest a connection may take to open. Default 15 s. */
  timeoutMs?: number | undefined
}

/** The longest an attempt takes unless another limit is set. */
export const TOTAL_DEADLINE_MS = 15_000

const LIMITS = {
  // undici keeps an HTTP/2 session whose requests time out, so that one that fell silent would
  // fail every attempt.
  allowH2: false,
  // undici's own limits are per phase and per chunk: a slow drip passes them for ever. One deadline
  // ends everything instead.
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 4000,
  keepAliveMaxTimeout: 30_000,
} as const

/**
 * Opens the connections deliveries are sent over. Without a guard only public addresses are
 * reached.
 */
export function openDispatcher({ proxies = {}, guard, lookup, timeoutMs }: DispatcherOptions = {}): Dispatcher {
  const connecting = { guard: guard ?? addressGuard(), lookup, timeoutMs: timeoutMs ?? TOTAL_DEADLINE_MS }
  const connect = openConnector(connecting)
  const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY = '' } = proxies
  if (HTTP_PROXY === undefined && HTTPS_PROXY === undefined) return new Agent({ ...LIMITS, connect })
  return new EnvHttpProxyAgent({
    ...LIMITS,
    connect,
    connectTimeout: connecting.timeoutMs,
    // Set, or undici reads the variables of the process.
    httpProxy: HTTP_PROXY ?? '',
    httpsProxy: HTTPS_PROXY ?? '',
    // A proxy's loopback is not ours.
    noProxy: `${NO_PROXY},localhost,127.0.0.1,[::1]`,
    // Also for `http:`, so that an answer is always the endpoint's own.
    proxyTunnel: true,
    // Pools of endpoints: those without a proxy get the connector from above.
    factory: (origin, options: Pool.Options) =>
      new Pool(origin, options.connect === connect ? options : { ...options, connect: tunnelOf(options, connecting) }),
    // The pool of a proxy, which must not keep a connection waiting for ever.
    clientFactory: (proxy, options: Pool.Options) =>
      new Pool(proxy, { ...options, headersTimeout: connecting.timeoutMs }).compose(toProxy),
  })
}

function tunnelOf({ connect }: Pool.Options, connecting: Connecting): buildConnector.connector {
  const tunnel = connect as buildConnector.connector
  return guardedTunnel((options, callback) => {
    tunnel(options, (...[error, socket]) => {
      if (error === null) callback(null, socket)
      // undici says so of every answer but 200.
      else callback(error instanceof errors.RequestAbortedError ? new ProxyFailed(error) : error, null)
    })
  }, connecting)
}

/** Says of everything that goes wrong with a request to a proxy that it is the proxy's failure. */
function toProxy(dispatch: Dispatcher.Dispatch): Dispatcher.Dispatch {
  return (request, handler) => {
    const onResponseError = handler.onResponseError?.bind(handler)
    handler.onResponseError = (controller, error) => onResponseError?.(controller, new ProxyFailed(error))
    return dispatch(request, handler)
  }
}

/** A proxy that cannot be reached, or opens no tunnel. */
class ProxyFailed extends Error {
  readonly code = 'proxy_error'

  constructor(cause: Error) {
    const status = /^Proxy response \((\d+)\)/.exec(cause.message)?.[1]
    const { reason } = systemFailure(cause) ?? tlsFailure(cause) ?? { reason: cause.name }
    super(status === undefined ? `the proxy opens no connection: ${reason}` : `the proxy answers ${status}`, { cause })
  }
}
