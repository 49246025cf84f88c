// `/api/endpoints/{id}/test`: a delivery to try an endpoint with.
import { setTimeout as pause } from 'node:timers/promises'
import { createRoute, z } from '@hono/zod-openapi'
import { testEvent, testTypeFor } from '../../catalogue/test-event.ts'
import type { Database } from '../../db/database.ts'
import { findId } from '../../db/find-id.ts'
import { getDelivery, listDeliveries } from '../../deliveries/query.ts'
import type { DeliveryDetail } from '../../deliveries/wire.ts'
import { deliveryDetail } from '../../deliveries/wire.ts'
import type { Endpoint } from '../../endpoints/endpoint.ts'
import { getEndpoint } from '../../endpoints/endpoints.ts'
import { AppError } from '../../lib/error.ts'
import { describe } from '../../lib/zod.ts'
import type { Pipeline } from '../../pipeline.ts'
import type { Api } from './answer.ts'
import { answer, failure, idParam, jsonBody, query } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const LOOK_EVERY_MS = 50
const MAX_WAIT_MS = 20_000

const testRequest = z.strictObject({
  type: z
    .string()
    .optional()
    .meta({ description: 'A type of `/api/event-types`. Default: the first one that the endpoint wants.' }),
})

const test = createRoute({
  method: 'post',
  path: '/endpoints/{id}/test',
  summary: 'Test an endpoint',
  tags: ['endpoints'],
  description:
    'Sends the example of a type to one endpoint, signed like every delivery, with `test: true` in its `data`. Neither ' +
    'its filters nor rules are asked, and there is one attempt.',
  request: {
    params: idParam,
    query: query({
      wait: z.coerce
        .number()
        .int()
        .min(0)
        .max(MAX_WAIT_MS)
        .default(0)
        .meta({ description: 'Milliseconds to wait for the end of the attempt.' }),
    }),
    body: jsonBody(testRequest),
  },
  responses: {
    201: answer('The delivery; with `wait`, and if it came in time, with its attempt.', deliveryDetail),
    default: failure,
  },
})

/** What the tests of endpoints need. */
type Parts = Pick<ApiParts, 'looking' | 'clock'> & { record: Pipeline['record'] }

/** Adds the route of tests. */
export function addEndpointTestRoutes(api: Api, { looking, clock, record }: Parts): void {
  api.openapi(test, async (c) => {
    const request = readTest(await readJson(c))
    const endpoint = await activeEndpoint(looking, c.req.valid('param').id)
    const event = testEvent(request.type ?? testTypeFor(endpoint), { endpoint, now: clock.now() })
    const { id } = await record(event)
    return c.json(await deliveryOf(looking, id, c.req.valid('query').wait), 201)
  })
}

function readTest(body: unknown): z.infer<typeof testRequest> {
  const { data, error } = testRequest.safeParse(body)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the test' }))
  return data
}

/**
 * The endpoint to test.
 * @throws AppError `not_found`, and `conflict` when nothing is sent to it.
 */
async function activeEndpoint(looking: Database, given: string): Promise<Endpoint> {
  const endpoint = await getEndpoint(looking, await findId(looking, 'endpoints', given))
  if (endpoint.status === 'active') return endpoint
  throw new AppError('conflict', `The endpoint is ${endpoint.status}: nothing is sent to it until it is active again.`)
}

/** The delivery of a test, after its attempt or `waitMs`, whichever is first. */
async function deliveryOf(looking: Database, eventId: string, waitMs: number): Promise<DeliveryDetail> {
  const until = performance.now() + waitMs
  const { items } = await listDeliveries(looking, { event_id: eventId, limit: 1 })
  const [delivery] = items
  if (delivery === undefined) throw new AppError('not_found', 'The endpoint was deleted.')
  for (;;) {
    const detail = await getDelivery(looking, delivery.id)
    const hasEnded = detail.status !== 'pending' && detail.status !== 'running'
    if (hasEnded || performance.now() >= until) return detail
    await pause(LOOK_EVERY_MS)
  }
}
