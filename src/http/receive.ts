// The receiving routes: plain Hono handlers, since going through the OpenAPI layer cost 22 % of
// their throughput.
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { Hono } from 'hono'
import type { Pipeline, Received } from '../pipeline.ts'
import { withBody } from './body.ts'
import type { ClientAddresses } from './client-address.ts'
import { methodNotAllowed } from './errors.ts'
import { nodeHeaders } from './headers.ts'
import type { RequestRate } from './request-rate.ts'
import { requireLeft } from './request-rate.ts'
import { respond } from './respond.ts'

type Bindings = { Bindings: HttpBindings }

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

/** What receiving is built from. `verified` counts the webhooks of each source. */
export type ReceivingParts = { pipeline: Pipeline; clients: ClientAddresses; verified: RequestRate }

/** Mounts `POST /webhook/{source}`, and `POST /webhook` for Agenta. */
export function receivingRoutes({ pipeline, clients, verified }: ReceivingParts): Hono<Bindings> {
  const receive = (sourceName: (c: Context<Bindings>) => string) => async (c: Context<Bindings>) => {
    const name = sourceName(c)
    const headers = nodeHeaders(c)
    const source = pipeline.admit(name, headers)
    // Only webhooks with a valid signature are counted, or others could use up the quota.
    requireLeft(verified.look(name), `Too many webhooks of ${name} within a minute.`)
    const { incoming } = c.env
    const received = await withBody(incoming, (body) => pipeline.receive(source, body, headers, clients.of(incoming)))
    verified.take(name)
    return respond(webhookReceipt(received))
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
