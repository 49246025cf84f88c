// `GET /metrics` for Prometheus: with the API's token on the main port, and on a port of its own
// without one.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { isLoopback } from '../lib/loopback.ts'
import type { Exposition } from '../metrics/exposition.ts'
import { EXPOSITION_TYPE } from '../metrics/exposition.ts'
import type { Access } from './auth.ts'
import { authorise } from './auth.ts'
import { errorResponse, methodNotAllowed, nothingAt, requestText } from './errors.ts'
import type { Server } from './listen.ts'
import { openServer } from './listen.ts'

/** Mounts `GET /metrics`; without `access` everybody who reaches the port may read it. */
export function metricsRoutes(exposition: Exposition, access: Access | null): Hono {
  return new Hono()
    .get('/metrics', async (c) => {
      if (access !== null) authorise(access, { get: (name) => c.req.header(name) ?? null })
      return new Response(await exposition(), { headers: { 'content-type': EXPOSITION_TYPE } })
    })
    .all('/metrics', methodNotAllowed('GET'))
}

/**
 * Starts the listener for monitoring, which has no token; null where METRICS_PORT is not set.
 * @throws AppError `config_invalid` when the address or the port cannot be used.
 */
export async function openMetricsServer(
  monitoring: Hono,
  { environment, log }: { environment: Pick<Environment, 'METRICS_HOST' | 'METRICS_PORT'>; log: Log },
): Promise<Server | null> {
  const { METRICS_HOST: host, METRICS_PORT: port } = environment
  if (port === undefined) return null
  const app = new Hono<{ Bindings: HttpBindings }>()
    .use(async (c, next) => {
      // A web page could give its own name this address, and read the port as its own.
      const isForeign = isLoopback(host) && !isLoopback(c.req.header('host') ?? '')
      if (isForeign) throw new AppError('not_found', 'Host: METRICS_HOST is this machine only, so ask for 127.0.0.1.')
      await next()
    })
    .onError((error, c) => errorResponse(error, log, requestText(c.req)))
    .notFound(nothingAt)
    .route('/', monitoring)
  return openServer(app, { host, port, variables: { host: 'METRICS_HOST', port: 'METRICS_PORT' } })
}
