// `/api/endpoints`: who is notified of events, where and how.
import { createRoute, z } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { changeEndpoint, createEndpoint, deleteEndpoint } from '../../endpoints/change.ts'
import type { EndpointStore } from '../../endpoints/endpoints.ts'
import { getEndpoint, listEndpoints } from '../../endpoints/endpoints.ts'
import { endpointChange, endpointRequest, rotation } from '../../endpoints/fields.ts'
import { rotateSecret } from '../../endpoints/rotate.ts'
import { changedEndpoint, createdEndpoint, deletedEndpoint, endpoint, endpointStatus } from '../../endpoints/wire.ts'
import { unknownTypes } from '../../sources/known-types.ts'
import type { Api, IdRequest } from './answer.ts'
import { answer, failure, idParam, jsonBody, listQuery, pageAnswer, query } from './answer.ts'
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
const get = createRoute({
  method: 'get',
  path: '/endpoints/{id}',
  summary: 'Show one endpoint',
  tags: ['endpoints'],
  request: { params: idParam },
  responses: { 200: answer('The endpoint with its health, without its secrets.', endpoint), default: failure },
})
const change = createRoute({
  method: 'patch',
  path: '/endpoints/{id}',
  summary: 'Change, pause, enable or disable an endpoint',
  tags: ['endpoints'],
  description:
    'What is absent stays. With another `url`, headers and credential go unless they are given again. Of an endpoint of the configuration only the `status` can be changed, until the next start.',
  request: { params: idParam, body: jsonBody(endpointChange) },
  responses: { 200: answer('The endpoint as it is now.', changedEndpoint), default: failure },
})
const remove = createRoute({
  method: 'delete',
  path: '/endpoints/{id}',
  summary: 'Delete an endpoint with its deliveries',
  tags: ['endpoints'],
  request: {
    params: idParam,
    query: query({
      force: z
        .enum(['true', 'false'])
        .default('false')
        .meta({ description: 'Deletes it with deliveries that are pending, too.' }),
    }),
  },
  responses: { 200: answer('What was deleted.', deletedEndpoint), default: failure },
})
const rotate = createRoute({
  method: 'post',
  path: '/endpoints/{id}/rotate',
  summary: 'Replace the secret of an endpoint',
  tags: ['endpoints'],
  description:
    'The new secret signs at once; those so far sign as well until the overlap is over, or are revoked with an overlap of 0.',
  request: { params: idParam, body: { ...jsonBody(rotation), required: false } },
  responses: {
    200: answer('The endpoint, with the `secret` that was made for it, if one was.', createdEndpoint),
    default: failure,
  },
})

type Parts = Pick<ApiParts, 'database' | 'looking' | 'seal' | 'readTarget' | 'configured' | 'hasSigningKey' | 'onWork'>

/** Adds the routes of endpoints; `onWork` is called when deliveries may have become due. */
export function addEndpointRoutes(api: Api, parts: Parts): void {
  const { database, looking, seal, readTarget, configured, hasSigningKey, onWork } = parts
  const store: EndpointStore = {
    database,
    seal,
    readTarget,
    hasSigningKey,
    unknownTypes: unknownIn(configured),
  }
  const idOf = (c: IdRequest) => findId(looking, 'endpoints', c.req.valid('param').id)
  api.openapi(create, async (c) => {
    const { endpoint, secret } = await createEndpoint(store, await readJson(c))
    return c.json(secret === null ? endpoint : { ...endpoint, secret }, 201)
  })
  api.openapi(list, async (c) => c.json(await listEndpoints(looking, c.req.valid('query')), 200))
  api.openapi(get, async (c) => c.json(await getEndpoint(looking, await idOf(c)), 200))
  api.openapi(change, async (c) => {
    const { endpoint, dropped } = await changeEndpoint(store, await idOf(c), await readJson(c))
    onWork()
    return c.json({ ...endpoint, dropped }, 200)
  })
  api.openapi(remove, async (c) => {
    const force = c.req.valid('query').force === 'true'
    return c.json(await deleteEndpoint(store, await idOf(c), { force }), 200)
  })
  api.openapi(rotate, async (c) => {
    const request = c.req.header('content-type') === undefined ? {} : await readJson(c)
    const { endpoint, secret } = await rotateSecret(store, await idOf(c), request)
    return c.json(secret === null ? endpoint : { ...endpoint, secret }, 200)
  })
}

/** What a source may send, a rule names or Signalbox knows is known. */
function unknownIn({ rules, sources }: ApiParts['configured']): (events: readonly string[]) => string[] {
  const named = new Set(rules.flatMap(({ on }) => [on].flat()))
  return (events) =>
    unknownTypes(
      events.filter((event) => !named.has(event)),
      sources.keys(),
    )
}
