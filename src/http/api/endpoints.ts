// `/api/endpoints` and `/api/deliveries`: who asked to be told, and what became of telling them.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import { getDelivery, listDeliveries } from '../../deliveries/query.ts'
import { createEndpoint, listEndpoints } from '../../endpoints/endpoints.ts'
import type { Api } from './api.ts'
import { readJson } from './json.ts'
import { failure, idParam, jsonBody, pageAnswer, pageQuery, pageWire, rowAnswer, wire } from './wire.ts'

const texts = { type: 'array', items: { type: 'string' } }
const textsOrAll = { ...texts, type: ['array', 'null'] }

const create = createRoute({
  method: 'post',
  path: '/endpoints',
  tags: ['endpoints'],
  description: 'Asks to be told of events. A secret made here is shown in this answer only.',
  request: {
    body: jsonBody(
      {
        url: { type: 'string', description: '`https:`, or `http:` to this machine.' },
        name: { type: 'string', description: "Default: the URL's host." },
        secret: { type: 'string', description: 'Default: one is made.' },
        secrets: { ...texts, description: 'In place of `secret`: all that are live while one rotates.' },
        events: { ...texts, description: 'Types, as globs. Default: `environment.deployed`.' },
        environments: { ...textsOrAll, description: 'Globs; null is all. Default: `production`.' },
        apps: { ...textsOrAll, description: 'Globs; null is all, the default.' },
        status: { type: 'string', enum: ['active', 'paused', 'disabled'], description: 'Default: `active`.' },
      },
      ['url'],
    ),
  },
  responses: { 201: rowAnswer('The endpoint, with the `secret` that was made for it, if one was.'), default: failure },
})
const list = createRoute({
  method: 'get',
  path: '/endpoints',
  tags: ['endpoints'],
  request: { query: z.object({ ...pageQuery, status: z.enum(['active', 'paused', 'disabled']).optional() }) },
  responses: { 200: pageAnswer('Endpoints, newest first, without their secrets.'), default: failure },
})
const deliveryQuery = z.object({
  ...pageQuery,
  endpoint_id: z.string().optional(),
  event_id: z.string().optional(),
  status: z.enum(['pending', 'running', 'succeeded', 'failed', 'skipped']).optional(),
})
const deliveries = createRoute({
  method: 'get',
  path: '/deliveries',
  tags: ['deliveries'],
  request: { query: deliveryQuery },
  responses: { 200: pageAnswer('Deliveries, newest first.'), default: failure },
})
const delivery = createRoute({
  method: 'get',
  path: '/deliveries/{id}',
  tags: ['deliveries'],
  request: { params: idParam },
  responses: { 200: rowAnswer('One delivery with its attempts.'), default: failure },
})

/** Adds the routes of endpoints and deliveries. */
export function addEndpointRoutes(api: Api, database: Database): void {
  api.openapi(create, async (c) => {
    const { endpoint, secret } = await createEndpoint(database, await readJson(c))
    return c.json(wire(secret === null ? endpoint : { ...endpoint, secret }), 201)
  })
  api.openapi(list, async (c) => c.json(pageWire(await listEndpoints(database, c.req.valid('query'))), 200))
  api.openapi(deliveries, async (c) => {
    const { endpoint_id: endpointId, event_id: eventId, ...filter } = c.req.valid('query')
    return c.json(pageWire(await listDeliveries(database, { ...filter, endpointId, eventId })), 200)
  })
  api.openapi(delivery, async (c) => {
    const { attemptLog, ...row } = await getDelivery(database, c.req.valid('param').id)
    return c.json({ ...wire(row), attempt_log: attemptLog.map(wire) }, 200)
  })
}
