// `/api/events`: what happened, and why something did or did not follow.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import type { Event } from '../../events/event.ts'
import { eventPayload } from '../../events/payload.ts'
import { getEvent, listEvents } from '../../events/query.ts'
import { AppError } from '../../lib/error.ts'
import type { Api } from './api.ts'
import { bytesAnswer, failure, idParam, pageAnswer, pageQuery, pageWire, rowAnswer, wire } from './wire.ts'

/** Says for one event what every rule and every endpoint makes of it. */
export type Explain = (event: Event) => Promise<object>

const query = z.object({
  ...pageQuery,
  type: z.string().optional().openapi({ description: 'A type, or a glob such as `issues.*`.' }),
  source: z.string().optional(),
  status: z.enum(['routed', 'ignored', 'rejected']).optional(),
  subject: z.string().optional(),
})

const list = createRoute({
  method: 'get',
  path: '/events',
  tags: ['events'],
  request: { query },
  responses: { 200: pageAnswer('Events, newest first.'), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/events/{id}',
  tags: ['events'],
  request: { params: idParam },
  responses: { 200: rowAnswer('One event with its parsed body as `payload`.'), default: failure },
})
const why = createRoute({
  method: 'get',
  path: '/events/{id}/explain',
  tags: ['events'],
  request: { params: idParam },
  responses: { 200: rowAnswer('For every rule and endpoint, why it matched or did not.'), default: failure },
})
const raw = createRoute({
  method: 'get',
  path: '/events/{id}/body',
  tags: ['events'],
  request: { params: idParam },
  responses: {
    200: bytesAnswer('The raw bytes as they came, their content type in `X-Original-Content-Type`.'),
    default: failure,
  },
})

/** Adds the routes of events. */
export function addEventRoutes(api: Api, database: Database, explain: Explain): void {
  const find = async (id: string): Promise<Event> => {
    const event = await getEvent(database, id)
    if (event === null) throw new AppError('not_found', `There is no event ${id}.`)
    return event
  }
  api.openapi(list, async (c) => c.json(pageWire(await listEvents(database, c.req.valid('query'))), 200))
  api.openapi(get, async (c) => {
    const { body, payload, ...event } = await find(c.req.valid('param').id)
    return c.json({ ...wire(event), payload: eventPayload({ body, payload }) ?? null }, 200)
  })
  api.openapi(why, async (c) => c.json(wire(await explain(await find(c.req.valid('param').id))), 200))
  api.openapi(raw, async (c) => {
    const { body, contentType } = await find(c.req.valid('param').id)
    // Never as a type a browser would render: the bytes are a stranger's.
    const headers = { 'content-type': 'application/octet-stream', 'x-original-content-type': contentType ?? '' }
    return new Response(body === null ? null : new Uint8Array(body), { headers })
  })
}
