// Everything that is answered over HTTP, as one app: receiving, health, public keys, the manual
// trigger, and the API.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { boundedLog } from '../lib/bounded-log.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import type { Meter } from '../metrics/meter.ts'
import { errorResponse } from './errors.ts'
import { jwksRoutes } from './jwks.ts'
import type { ManualParts } from './manual.ts'
import { manualRoutes } from './manual.ts'
import type { ReceivingParts } from './receive.ts'
import { receivingRoutes } from './receive.ts'
import type { RefusalParts } from './refusals.ts'
import { refusals, requestText } from './refusals.ts'

/** What the app is built from. */
export type AppParts = ManualParts &
  ReceivingParts &
  RefusalParts & {
    log: Log
    /** Counts what is refused. */
    meter?: Meter | undefined
    /** `/health` and `/metrics`. */
    monitoring: Hono
    /** Their public keys are published. */
    signingKeys: readonly string[]
    /** Mounted at `/api`. */
    api: Hono<{ Bindings: HttpBindings }>
  }

// Lines about requests that could not be served.
const FAILURES = { burst: 20, everyMs: 1000 }

/** What a path is of, for the count of what was refused. */
function areaOf(path: string): 'webhook' | 'api' | 'other' {
  return path.startsWith('/webhook') ? 'webhook' : path.startsWith('/api') ? 'api' : 'other'
}

/** Builds the app. */
export function httpApp(parts: AppParts): Hono<{ Bindings: HttpBindings }> {
  const { log, clock, meter, monitoring, signingKeys, api } = parts
  // While the database is away every request is one.
  const warn = boundedLog(log, { clock, ...FAILURES })
  const refuse = refusals(parts)
  return new Hono<{ Bindings: HttpBindings }>()
    .onError(async (error, c) => {
      if (error instanceof AppError) meter?.refused(areaOf(c.req.path), error.code)
      const answered = error instanceof AppError ? await refuse(error, c) : error
      return errorResponse(answered, log, requestText(c), warn)
    })
    .notFound((c) => {
      throw new AppError('not_found', `There is nothing at ${requestText(c)}.`)
    })
    .route('/', manualRoutes(parts))
    .route('/', receivingRoutes(parts))
    .route('/', monitoring)
    .route('/', jwksRoutes(signingKeys))
    .route('/api', api)
}
