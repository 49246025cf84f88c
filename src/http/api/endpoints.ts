// `/api/endpoints`: which addresses are notified of events.
import { createRoute } from '@hono/zod-openapi'
import { endpointRequest } from '../../endpoints/endpoint.ts'
import { createEndpoint, listEndpoints } from '../../endpoints/endpoints.ts'
import { createdEndpoint, endpoint, endpointStatus } from '../../endpoints/wire.ts'
import type { Api } from './answer.ts'
import { answer, failure, jsonBody, listQuery, pageAnswer } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const create = createRoute({
  method: 'post',
  path: '/endpoints',
  summary: 'Create an endpoint',
  tags: ['endpoints'],
  description: 'Asks to be notified of events. A secret made here is shown in this answer only.',
  request: { body: jsonBody(endpointRequest) },
  responses: {
    201: answer('The endpoint, with the `secret` that was made for it, if one was.', createdEndpoint),
    default: failure,
  },
})
const list = createRoute({
  method: 'get',
  path: '/endpoints',
  summary: 'List endpoints',
  tags: ['endpoints'],
  request: { query: listQuery({ status: endpointStatus.optional() }) },
  responses: { 200: pageAnswer('Endpoints, newest first, without their secrets.', endpoint), default: failure },
})

/** Adds the routes of endpoints. */
export function addEndpointRoutes(api: Api, parts: Pick<ApiParts, 'database' | 'looking' | 'seal'>): void {
  const { looking } = parts
  api.openapi(create, async (c) => {
    const { endpoint, secret } = await createEndpoint(parts, await readJson(c))
    return c.json(secret === null ? endpoint : { ...endpoint, secret }, 201)
  })
  api.openapi(list, async (c) => c.json(await listEndpoints(looking, c.req.valid('query')), 200))
}
