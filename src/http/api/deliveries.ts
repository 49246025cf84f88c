// `/api/deliveries`: what endpoints were notified of, and whether it arrived.
import { createRoute, z } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { curlCommand } from '../../deliveries/curl.ts'
import { getDelivery, listDeliveries } from '../../deliveries/query.ts'
import { delivery, deliveryDetail, deliveryStatus } from '../../deliveries/wire.ts'
import type { Api } from './answer.ts'
import { answer, failure, idParam, listQuery, pageAnswer } from './answer.ts'
import type { ApiParts } from './api.ts'

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

const curl = createRoute({
  method: 'get',
  path: '/deliveries/{id}/curl',
  summary: 'Show what a delivery is sent, as a command',
  tags: ['deliveries'],
  request: { params: idParam },
  responses: {
    200: answer(
      'A command for a shell that sends the same bytes with signatures made now.',
      z.object({ command: z.string() }).meta({ id: 'DeliveryCommand' }),
    ),
    default: failure,
  },
})

/** Adds the routes of deliveries. */
export function addDeliveryRoutes(api: Api, parts: Pick<ApiParts, 'looking' | 'seal' | 'preparing'>): void {
  const { looking, seal, preparing } = parts
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
  api.openapi(curl, async (c) => {
    const id = await findId(looking, 'deliveries', c.req.valid('param').id)
    return c.json({ command: await curlCommand({ ...preparing, looking, seal }, id) }, 200)
  })
}
