// The manual trigger: a job by name, with the API's token, or a bare POST that proves the
// orchestrator is alive.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Pipeline } from '../pipeline.ts'
import type { Access } from './auth.ts'
import { authorise } from './auth.ts'
import { withBody } from './body.ts'
import { methodNotAllowed } from './errors.ts'
import { nodeHeaders, remoteOf, webhookReceipt } from './receive.ts'

/** Mounts `POST /webhook/manual`. */
export function manualRoutes(access: Access, pipeline: Pipeline): Hono<{ Bindings: HttpBindings }> {
  return new Hono<{ Bindings: HttpBindings }>()
    .post('/webhook/manual', async (c) => {
      const headers = nodeHeaders(c)
      authorise(access, headers)
      const received = await withBody(c.env.incoming, (body) => pipeline.trigger(body, headers, remoteOf(c)))
      return c.json(webhookReceipt(received))
    })
    .all('/webhook/manual', methodNotAllowed('POST'))
}
