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
import type { ClientAddresses } from './client-address.ts'
import { networkOf } from './client-address.ts'
import { methodNotAllowed } from './errors.ts'
import { nodeHeaders } from './headers.ts'
import { webhookReceipt } from './receive.ts'
import type { RequestRate } from './request-rate.ts'
import { requireLeft } from './request-rate.ts'
import { respond } from './respond.ts'

// Each is an event and a job, and whoever reaches a tunnel to this machine may make them.
const OPEN_PINGS = { burst: 20, everyMs: 1_000 }

/** What the manual trigger is built from. */
export type ManualParts = {
  access: Access
  /** A bare trigger from here needs no token. */
  openPing: boolean
  clock: Clock
  pipeline: Pipeline
  clients: ClientAddresses
  /** Counts the requests of each client that has the token. */
  authorised: RequestRate
}

/**
 * The job type that the address names; null when it says nothing.
 * @throws AppError `input_invalid` when it says anything else.
 */
function namedType(query: Record<string, string[]>): string | null {
  const { job_type: given = [], ...others } = query
  const [name] = Object.keys(others)
  if (name !== undefined) {
    const remedy = 'only job_type is; send the payload as JSON in the body.'
    throw new AppError('input_invalid', `${JSON.stringify(name.slice(0, 80))} in the address is not read: ${remedy}`)
  }
  if (given.length > 1) throw new AppError('input_invalid', 'job_type: is in the address more than once.')
  return given[0] ?? null
}

/** Mounts `POST /webhook/manual`. */
export function manualRoutes(parts: ManualParts): Hono<{ Bindings: HttpBindings }> {
  const { access, openPing, clock, pipeline, clients, authorised } = parts
  const openPings = rateLimit(clock, OPEN_PINGS)
  return new Hono<{ Bindings: HttpBindings }>()
    .post('/webhook/manual', async (c) => {
      const headers = nodeHeaders(c)
      const query = c.req.queries()
      const { incoming } = c.env
      const remote = clients.of(incoming)
      if (openPing && Object.keys(query).length === 0 && isBareAndLocal(incoming.headers)) {
        if (!openPings.take()) throw new AppError('rate_limited', undefined, { headers: { 'retry-after': '1' } })
      } else {
        authorise(access, headers)
        requireLeft(authorised.take(networkOf(remote)), `Too many requests from ${remote} within a minute.`)
      }
      const named = namedType(query)
      const received = await withBody(incoming, (body) => pipeline.trigger(body, headers, remote, named))
      return respond(webhookReceipt(received))
    })
    .all('/webhook/manual', methodNotAllowed('POST'))
}
