// Everything that is answered over HTTP, as one app: receiving, health, public keys, the manual
// trigger, and the API.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { rateLimit } from '../lib/rate-limit.ts'
import { errorResponse } from './errors.ts'
import type { Probe } from './health.ts'
import { healthRoutes } from './health.ts'
import { jwksRoutes } from './jwks.ts'
import type { ManualParts } from './manual.ts'
import { manualRoutes } from './manual.ts'
import { receivingRoutes } from './receive.ts'

/** What the app is built from. */
export type AppParts = ManualParts & {
  version: string
  log: Log
  probe: Probe
  /** Their public keys are published. */
  signingKeys: readonly string[]
  /** Mounted at `/api`. */
  api: Hono<{ Bindings: HttpBindings }>
}

const MAX_PATH_CHARS = 200
// A caller with a wrong token must not fill the log.
const REFUSALS = { burst: 20, everyMs: 1000 }

/** Whether a refusal says that a set-up is wrong: the token, or the address of a webhook. */
function isRefusedHere({ code }: AppError, path: string): boolean {
  if (path.startsWith('/api')) return code === 'token_invalid' || code === 'api_closed'
  return code === 'not_found' && path.startsWith('/webhook')
}

/** Builds the app. */
export function httpApp(parts: AppParts): Hono<{ Bindings: HttpBindings }> {
  const { version, log, probe, signingKeys, api, ...manual } = parts
  const refusals = rateLimit(manual.clock, REFUSALS)
  return new Hono<{ Bindings: HttpBindings }>()
    .onError((error, c) => {
      const request = `${c.req.method} ${c.req.path.slice(0, MAX_PATH_CHARS)}`
      // Webhooks that are refused have a line of their own.
      if (error instanceof AppError && isRefusedHere(error, c.req.path)) {
        log[refusals.take() ? 'warn' : 'debug'](
          { about: { request, code: error.code } },
          `refused ${request}: ${error.detail}`,
        )
      }
      return errorResponse(error, log, request)
    })
    .notFound((c) => {
      throw new AppError('not_found', `There is nothing at ${c.req.method} ${c.req.path.slice(0, MAX_PATH_CHARS)}.`)
    })
    .route('/', manualRoutes(manual))
    .route('/', receivingRoutes(manual.pipeline))
    .route('/', healthRoutes({ version }, probe))
    .route('/', jwksRoutes(signingKeys))
    .route('/api', api)
}
