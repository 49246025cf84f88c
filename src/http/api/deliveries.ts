// `/api/deliveries`: what endpoints were notified of, and whether it arrived.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import { getDelivery, listDeliveries } from '../../deliveries/query.ts'
import { delivery, deliveryDetail, deliveryStatus } from '../../deliveries/wire.ts'
import type { Api } from './answer.ts'
import { answer, failure, idParam, listQuery, pageAnswer } from './answer.ts'

const list = createRoute({
  method: 'get',
  path: '/deliveries',
  tags: ['deliveries'],
  request: {
    query: listQuery({
      endpoint_id: z.string().optional(),
      event_id: z.string().optional(),
      status: deliveryStatus.optional(),
    }),
  },
  responses: { 200: pageAnswer('Deliveries, newest first.', delivery), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/deliveries/{id}',
  tags: ['deliveries'],
  request: { params: idParam },
  responses: { 200: answer('One delivery with its attempts.', deliveryDetail), default: failure },
})

/** Adds the routes of deliveries. */
export function addDeliveryRoutes(api: Api, looking: Database): void {
  api.openapi(list, async (c) => c.json(await listDeliveries(looking, c.req.valid('query')), 200))
  api.openapi(get, async (c) => c.json(await getDelivery(looking, c.req.valid('param').id), 200))
}
