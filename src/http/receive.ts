// The receiving routes: plain Hono handlers, since going through the OpenAPI layer cost 22 % of
// their throughput.
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { AppError } from '../lib/error.ts'
import type { Pipeline, Received } from '../pipeline.ts'
import type { HeaderReader } from '../sources/source.ts'
import { withBody } from './body.ts'
import { methodNotAllowed } from './errors.ts'
import { respond } from './respond.ts'

type Bindings = { Bindings: HttpBindings }

/** Node's parsed headers as a reader; repeated ones are joined as Node joins them. */
export function nodeHeaders(c: Context<Bindings>): HeaderReader {
  const { headers } = c.env.incoming
  return {
    get: (name) => {
      const value = headers[name.toLowerCase()]
      return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
    },
  }
}

/** The address the request came from, as the socket says. */
export function remoteOf(c: Context<Bindings>): string {
  return c.env.incoming.socket.remoteAddress ?? 'unknown'
}

/** What the sender of a webhook is answered. */
export function webhookReceipt(received: Received) {
  return {
    received: true as const,
    event_id: received.id,
    event_type: received.type,
    duplicate: received.duplicate,
    status: received.status,
    job_created: received.jobIds[0] ?? null,
    jobs: received.jobIds,
    message: messageOf(received),
  }
}

function messageOf({ duplicate, jobIds, reason }: Received): string {
  if (duplicate) return 'This was recorded before.'
  if (jobIds.length > 0) return `${jobIds.length === 1 ? 'Job' : `${jobIds.length} jobs`} created.`
  return reason ?? 'Recorded.'
}

/** Mounts `POST /webhook/{source}`, and `POST /webhook` for Agenta. */
export function receivingRoutes(pipeline: Pipeline): Hono<Bindings> {
  const receive = (sourceName: (c: Context<Bindings>) => string) => async (c: Context<Bindings>) => {
    const name = sourceName(c)
    const headers = nodeHeaders(c)
    try {
      const source = pipeline.admit(name, headers)
      const received = await withBody(c.env.incoming, (body) => pipeline.receive(source, body, headers, remoteOf(c)))
      return respond(webhookReceipt(received))
    } catch (error) {
      // A refusal that cannot be stored is still a refusal.
      if (error instanceof AppError && (error.status < 500 || error.code === 'source_closed')) {
        await pipeline.refuse(name, error, headers, remoteOf(c)).catch(() => undefined)
      }
      throw error
    }
  }
  return new Hono<Bindings>()
    .post(
      '/webhook',
      receive(() => 'agenta'),
    )
    .post(
      '/webhook/:source',
      receive((c) => c.req.param('source') ?? ''),
    )
    .all('/webhook', methodNotAllowed('POST'))
    .all('/webhook/:source', methodNotAllowed('POST'))
}
