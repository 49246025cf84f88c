// `POST /api/deliveries/{id}/redeliver` and `POST /api/endpoints/{id}/recover`: sending again.
import { createRoute } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { getDelivery } from '../../deliveries/query.ts'
import type { Elsewhere } from '../../deliveries/redeliver.ts'
import {
  readRecovery,
  readRedelivery,
  recover,
  recovered,
  recoverRequest,
  redeliver,
  redeliverRequest,
} from '../../deliveries/redeliver.ts'
import { maxAttempts } from '../../deliveries/retry.ts'
import { deliveryDetail } from '../../deliveries/wire.ts'
import { loadEndpoints, noEndpoint } from '../../endpoints/endpoints.ts'
import { deliveriesFor } from '../../endpoints/match.ts'
import type { Api } from './answer.ts'
import { answer, failure, idParam, jsonBody } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const redeliverRoute = createRoute({
  method: 'post',
  path: '/deliveries/{id}/redeliver',
  summary: 'Send a delivery again',
  tags: ['deliveries'],
  request: { params: idParam, body: { ...jsonBody(redeliverRequest), required: false } },
  responses: { 200: answer('The delivery that is sent, pending again.', deliveryDetail), default: failure },
})
const recoverRoute = createRoute({
  method: 'post',
  path: '/endpoints/{id}/recover',
  summary: 'Send again what an endpoint did not get',
  tags: ['endpoints'],
  request: { params: idParam, body: jsonBody(recoverRequest) },
  responses: { 200: answer('How many deliveries are pending again, or would be.', recovered), default: failure },
})

/** Adds the routes; `onWork` is called when deliveries became pending. */
export function addRedeliveryRoutes(
  api: Api,
  parts: Pick<ApiParts, 'database' | 'looking' | 'clock' | 'onWork'>,
): void {
  const { database, looking, clock, onWork } = parts
  const elsewhere = async (given: string | undefined): Promise<Elsewhere | undefined> => {
    if (given === undefined) return undefined
    const endpointId = await findId(looking, 'endpoints', given)
    const { endpoints } = await loadEndpoints(database)
    const endpoint = endpoints.find(({ id }) => id === endpointId)
    if (endpoint === undefined) throw noEndpoint(endpointId)
    return {
      endpointId,
      plan: (events) => events.flatMap((event) => deliveriesFor(event, [endpoint], { maxAttempts })),
    }
  }
  api.openapi(redeliverRoute, async (c) => {
    const request = readRedelivery(c.req.header('content-type') === undefined ? {} : await readJson(c))
    const id = await findId(looking, 'deliveries', c.req.valid('param').id)
    const sent = await redeliver(database, clock, { id, elsewhere: await elsewhere(request.endpoint_id) })
    // Before it is claimed: what was asked for is that it is pending.
    const delivery = await getDelivery(database, sent)
    onWork()
    return c.json(delivery, 200)
  })
  api.openapi(recoverRoute, async (c) => {
    const request = readRecovery(await readJson(c))
    const id = await findId(looking, 'endpoints', c.req.valid('param').id)
    const result = await recover(database, clock, id, request, await elsewhere(request.endpoint_id))
    if (!result.dry_run) onWork()
    return c.json(result, 200)
  })
}
