// The manual trigger: a job by name, with the API's token, or a bare POST that proves the
// orchestrator is alive, which in development needs none.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { rateLimit } from '../lib/rate-limit.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Access } from './auth.ts'
import { authorise, isBareAndLocal } from './auth.ts'
import { withBody } from './body.ts'
import { methodNotAllowed } from './errors.ts'
import { nodeHeaders, remoteOf, webhookReceipt } from './receive.ts'
import { respond } from './respond.ts'

// Each is an event and a job, and whoever reaches a tunnel to this machine may make them.
const OPEN_PINGS = { burst: 20, everyMs: 1_000 }

/** What the manual trigger is built from. `openPing`: a bare trigger from here needs no token. */
export type ManualParts = { access: Access; openPing: boolean; clock: Clock; pipeline: Pipeline }

function requireNoQuery(query: Record<string, string>): void {
  const [name] = Object.keys(query)
  if (name === undefined) return
  const remedy = 'send {"job_type": …, "payload": …} as JSON in the body.'
  throw new AppError('input_invalid', `${JSON.stringify(name.slice(0, 80))} in the address is not read: ${remedy}`)
}

/** Mounts `POST /webhook/manual`. */
export function manualRoutes(parts: ManualParts): Hono<{ Bindings: HttpBindings }> {
  const { access, openPing, clock, pipeline } = parts
  const openPings = rateLimit(clock, OPEN_PINGS)
  return new Hono<{ Bindings: HttpBindings }>()
    .post('/webhook/manual', async (c) => {
      const headers = nodeHeaders(c)
      try {
        if (openPing && isBareAndLocal(c.env.incoming.headers)) {
          if (!openPings.take()) throw new AppError('rate_limited', undefined, { headers: { 'retry-after': '1' } })
        } else authorise(access, headers)
        requireNoQuery(c.req.query())
        const received = await withBody(c.env.incoming, (body) => pipeline.trigger(body, headers, remoteOf(c)))
        return respond(webhookReceipt(received))
      } catch (error) {
        if (error instanceof AppError && error.code !== 'database_unavailable') {
          await pipeline.refuse('manual', error, headers, remoteOf(c)).catch(() => undefined)
        }
        throw error
      }
    })
    .all('/webhook/manual', methodNotAllowed('POST'))
}
