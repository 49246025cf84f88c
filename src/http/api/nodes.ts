// `/api/nodes`: which processes are alive, what they run, and how one is drained.
import { createRoute, z } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { drainNode, drainOlder } from '../../nodes/drain.ts'
import { getNode, listNodes } from '../../nodes/query.ts'
import { nodeDetail, nodeList } from '../../nodes/wire.ts'
import type { Api, IdRequest } from './answer.ts'
import { answer, failure, idParam, listQuery, pageAnswer } from './answer.ts'
import type { ApiParts } from './api.ts'

const list = createRoute({
  method: 'get',
  path: '/nodes',
  summary: 'List the nodes',
  tags: ['nodes'],
  description: 'Those that have not stopped, newest first. A dead one did not say so: its last heartbeat is too old.',
  request: {
    query: listQuery({
      all: z.enum(['true', 'false']).optional().meta({ description: 'Those that have stopped, too.' }),
    }),
  },
  responses: { 200: answer('Nodes, newest first.', nodeList), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/nodes/{id}',
  summary: 'Show one node, and what it runs',
  tags: ['nodes'],
  request: { params: idParam },
  responses: { 200: answer('One node.', nodeDetail), default: failure },
})
const drain = createRoute({
  method: 'post',
  path: '/nodes/{id}/drain',
  summary: 'Drain a node',
  tags: ['nodes'],
  description: 'It sees that at its next heartbeat, begins nothing more, ends what it runs, and exits with 0.',
  request: { params: idParam },
  responses: { 200: answer('The node, asked to drain.', nodeDetail), default: failure },
})
const older = createRoute({
  method: 'post',
  path: '/nodes/drain-older',
  summary: 'Drain the nodes of an older version',
  tags: ['nodes'],
  description: 'Drains the live nodes that differ from the one that started last in program, tables or configuration.',
  responses: { 200: pageAnswer('The nodes, asked to drain.', nodeDetail), default: failure },
})

/** Adds the routes of nodes. */
export function addNodeRoutes(
  api: Api,
  { database, looking, clock }: Pick<ApiParts, 'database' | 'looking' | 'clock'>,
) {
  const idOf = (c: IdRequest) => findId(looking, 'nodes', c.req.valid('param').id)
  api.openapi(list, async (c) => {
    const { all, ...page } = c.req.valid('query')
    return c.json(await listNodes(looking, { ...page, all: all === 'true' }), 200)
  })
  api.openapi(get, async (c) => c.json(await getNode(looking, await idOf(c)), 200))
  api.openapi(older, async (c) => c.json({ items: await drainOlder(database, clock), next: null }, 200))
  api.openapi(drain, async (c) => c.json(await drainNode(database, clock, await idOf(c)), 200))
}
