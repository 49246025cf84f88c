// Everything that is answered over HTTP, as one app: receiving, health, the manual trigger, and the
// API.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { errorResponse } from './errors.ts'
import type { Probe } from './health.ts'
import { healthRoutes } from './health.ts'
import type { ManualParts } from './manual.ts'
import { manualRoutes } from './manual.ts'
import { receivingRoutes } from './receive.ts'

/** What the edge is built from. */
export type AppParts = ManualParts & {
  version: string
  log: Log
  probe: Probe
  /** Mounted at `/api`. */
  api: Hono<{ Bindings: HttpBindings }>
}

/** Builds the app. */
export function httpApp({ version, log, probe, api, ...manual }: AppParts): Hono<{ Bindings: HttpBindings }> {
  return new Hono<{ Bindings: HttpBindings }>()
    .onError((error) => errorResponse(error, log))
    .notFound((c) => {
      throw new AppError('not_found', `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`)
    })
    .route('/', manualRoutes(manual))
    .route('/', receivingRoutes(manual.pipeline))
    .route('/', healthRoutes({ version }, probe))
    .route('/api', api)
}
