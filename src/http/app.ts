// Everything that is answered over HTTP, as one app: receiving, health, the manual trigger, and the
// API.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Access } from './auth.ts'
import { errorResponse } from './errors.ts'
import type { Probe } from './health.ts'
import { healthRoutes } from './health.ts'
import { manualRoutes } from './manual.ts'
import { receivingRoutes } from './receive.ts'

/** What the edge is built from. */
export type AppParts = {
  version: string
  access: Access
  log: Log
  pipeline: Pipeline
  probe: Probe
  /** Mounted at `/api`. */
  api: Hono<{ Bindings: HttpBindings }>
}

/** Builds the app. */
export function httpApp({ version, access, log, pipeline, probe, api }: AppParts): Hono<{ Bindings: HttpBindings }> {
  return new Hono<{ Bindings: HttpBindings }>()
    .onError((error) => errorResponse(error, log))
    .notFound((c) => {
      throw new AppError('not_found', `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`)
    })
    .route('/', manualRoutes(access, pipeline))
    .route('/', receivingRoutes(pipeline))
    .route('/', healthRoutes({ version }, probe))
    .route('/api', api)
}
