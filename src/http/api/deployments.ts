// `/api/deployments`: what configuration went live where.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import { findId } from '../../db/find-id.ts'
import { patiently } from '../../db/patience.ts'
import { withoutPrefix } from '../../deployments/deployment.ts'
import { configOf, listDeployments, showDeployment } from '../../deployments/query.ts'
import type { RecordDeploymentContext } from '../../deployments/record.ts'
import { recordDeployment } from '../../deployments/record.ts'
import { deploymentRequest } from '../../deployments/request.ts'
import { deploymentConfig, deploymentDetail, deploymentSummary, recordedDeployment } from '../../deployments/wire.ts'
import type { Api, IdRequest } from './answer.ts'
import { answer, failure, idParam, jsonBody, listQuery, pageAnswer } from './answer.ts'
import { readJson } from './json.ts'

const create = createRoute({
  method: 'post',
  path: '/deployments',
  summary: 'Record a deployment',
  tags: ['deployments'],
  description: 'Records a deployment. An `Idempotency-Key` makes repeating safe.',
  request: {
    headers: z.object({ 'idempotency-key': z.string().optional() }),
    body: jsonBody(deploymentRequest),
  },
  responses: {
    201: answer('The deployment, with its sequence, diff and event.', recordedDeployment),
    200: answer('The same, recorded before under this Idempotency-Key.', recordedDeployment),
    default: failure,
  },
})
const list = createRoute({
  method: 'get',
  path: '/deployments',
  summary: 'List deployments',
  tags: ['deployments'],
  request: {
    query: listQuery({
      project: z.string().optional(),
      app: z.string().optional(),
      environment: z.string().optional(),
    }),
  },
  responses: {
    200: pageAnswer('Deployments, newest first, with their pull requests.', deploymentSummary),
    default: failure,
  },
})
const get = createRoute({
  method: 'get',
  path: '/deployments/{id}',
  summary: 'Show one deployment',
  tags: ['deployments'],
  request: { params: idParam },
  responses: { 200: answer('One deployment with its diff and pull requests.', deploymentDetail), default: failure },
})
const config = createRoute({
  method: 'get',
  path: '/deployments/{id}/config',
  summary: 'Read the configuration of a deployment',
  tags: ['deployments'],
  request: { params: idParam },
  responses: { 200: answer('The whole configuration it put live.', deploymentConfig), default: failure },
})

/** Adds the routes of deployments. */
export function addDeploymentRoutes(api: Api, deploying: RecordDeploymentContext, looking: Database): void {
  const { database } = deploying
  api.openapi(create, async (c) => {
    const idempotencyKey = c.req.header('idempotency-key')
    const { id, duplicate } = await recordDeployment(deploying, await readJson(c), { idempotencyKey })
    const deployment = await patiently(() => showDeployment(database, id))
    return c.json({ ...deployment, duplicate }, duplicate ? 200 : 201)
  })
  api.openapi(list, async (c) => c.json(await listDeployments(looking, c.req.valid('query')), 200))
  const idOf = (c: IdRequest) => findId(looking, 'deployments', withoutPrefix(c.req.valid('param').id))
  api.openapi(get, async (c) => c.json(await showDeployment(looking, await idOf(c)), 200))
  api.openapi(config, async (c) => c.json(await configOf(looking, await idOf(c)), 200))
}
