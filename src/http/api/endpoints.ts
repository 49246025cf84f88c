// `/api/endpoints` and `/api/deliveries`: who asked to be told, and what became of telling them.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import { createEndpoint, listEndpoints } from '../../deliveries/endpoints.ts'
import { getDelivery, listDeliveries } from '../../deliveries/query.ts'
import type { Api } from './api.ts'
import { readJson } from './json.ts'
import { idParam, pageAnswer, pageQuery, pageWire, rowAnswer, wire } from './wire.ts'

const create = createRoute({
  method: 'post',
  path: '/endpoints',
  tags: ['endpoints'],
  description:
    'Takes `{url, name?, secret?, events?, environments?, apps?}`. A secret made here is shown in this answer only.',
  responses: { 201: rowAnswer('The endpoint, with the `secret` that was made for it, if one was.') },
})
const list = createRoute({
  method: 'get',
  path: '/endpoints',
  tags: ['endpoints'],
  request: { query: z.object({ ...pageQuery, status: z.enum(['active', 'paused', 'disabled']).optional() }) },
  responses: { 200: pageAnswer('Endpoints, newest first, without their secrets.') },
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
  responses: { 200: pageAnswer('Deliveries, newest first.') },
})
const delivery = createRoute({
  method: 'get',
  path: '/deliveries/{id}',
  tags: ['deliveries'],
  request: { params: idParam },
  responses: { 200: rowAnswer('One delivery with its attempts.') },
})

/** Adds the routes of endpoints and deliveries. */
export const addEndpointRoutes = (api: Api, database: Database): void => {
  api.openapi(create, async (c) => {
    const { endpoint, secret } = await createEndpoint(database, await readJson(c.req.raw))
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
