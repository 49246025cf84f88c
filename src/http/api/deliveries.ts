// `/api/deliveries`: what endpoints were notified of, and whether it arrived.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import { findId } from '../../db/find-id.ts'
import { getDelivery, listDeliveries } from '../../deliveries/query.ts'
import { delivery, deliveryDetail, deliveryStatus } from '../../deliveries/wire.ts'
import type { Api } from './answer.ts'
import { answer, failure, idParam, listQuery, pageAnswer } from './answer.ts'

const list = createRoute({
  method: 'get',
  path: '/deliveries',
  summary: 'List deliveries',
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
  summary: 'Show one delivery',
  tags: ['deliveries'],
  request: { params: idParam },
  responses: { 200: answer('One delivery with its attempts.', deliveryDetail), default: failure },
})

/** Adds the routes of deliveries. */
export function addDeliveryRoutes(api: Api, looking: Database): void {
  api.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const event_id = query.event_id && (await findId(looking, 'events', query.event_id))
    const endpoint_id = query.endpoint_id && (await findId(looking, 'endpoints', query.endpoint_id))
    return c.json(await listDeliveries(looking, { ...query, event_id, endpoint_id }), 200)
  })
  api.openapi(get, async (c) => {
    const id = await findId(looking, 'deliveries', c.req.valid('param').id)
    return c.json(await getDelivery(looking, id), 200)
  })
}
