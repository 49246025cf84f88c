// `/api/deployments`: what configuration went live where.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import type { Deployment } from '../../deployments/deployment.ts'
import { configOf, getDeployment, listDeployments } from '../../deployments/query.ts'
import type { Api } from './api.ts'
import { readJson } from './json.ts'
import { failure, idParam, jsonBody, pageAnswer, pageQuery, rowAnswer, wire } from './wire.ts'

/** Records a deployment and its event in one transaction. */
export type Deploy = (
  request: unknown,
  options: { idempotencyKey: string | undefined },
) => Promise<{ deployment: Deployment; duplicate: boolean }>

const query = z.object({
  ...pageQuery,
  project: z.string().optional(),
  app: z.string().optional(),
  environment: z.string().optional(),
})

const text = { type: 'string' }
const optionalText = { type: ['string', 'null'] }

const create = createRoute({
  method: 'post',
  path: '/deployments',
  tags: ['deployments'],
  description: 'Records a deployment. An `Idempotency-Key` makes repeating safe.',
  request: {
    headers: z.object({ 'idempotency-key': z.string().optional() }),
    body: jsonBody(
      {
        project_id: text,
        app_name: text,
        variant_name: text,
        variant_id: optionalText,
        environment: text,
        revision: { type: ['integer', 'null'], minimum: 0, description: 'Default: counted here.' },
        config: { type: 'object', description: 'The whole configuration, at most 1 MB and 64 levels deep.' },
        commit_message: optionalText,
        deployed_by: text,
      },
      ['project_id', 'app_name', 'variant_name', 'environment', 'config', 'deployed_by'],
    ),
  },
  responses: {
    201: rowAnswer('The deployment, with its sequence, diff and event.'),
    200: rowAnswer('The same, recorded before under this Idempotency-Key.'),
    default: failure,
  },
})
const list = createRoute({
  method: 'get',
  path: '/deployments',
  tags: ['deployments'],
  request: { query },
  responses: { 200: pageAnswer('Deployments, newest first, with their pull requests.'), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/deployments/{id}',
  tags: ['deployments'],
  request: { params: idParam },
  responses: { 200: rowAnswer('One deployment with its diff and pull requests.'), default: failure },
})
const config = createRoute({
  method: 'get',
  path: '/deployments/{id}/config',
  tags: ['deployments'],
  request: { params: idParam },
  responses: { 200: rowAnswer('The whole configuration it put live.'), default: failure },
})

function deploymentWire(deployment: object) {
  const { id, pull_requests: pulls, ...row } = wire(deployment)
  return { deployment_id: id, ...row, pull_requests: (pulls as object[]).map(wire) }
}

/** Adds the routes of deployments. */
export function addDeploymentRoutes(api: Api, database: Database, deploy: Deploy): void {
  api.openapi(create, async (c) => {
    const { deployment, duplicate } = await deploy(await readJson(c), {
      idempotencyKey: c.req.header('idempotency-key'),
    })
    return c.json({ ...deploymentWire(deployment), duplicate }, duplicate ? 200 : 201)
  })
  api.openapi(list, async (c) => {
    const { items, next } = await listDeployments(database, c.req.valid('query'))
    return c.json({ items: items.map(deploymentWire), next }, 200)
  })
  api.openapi(get, async (c) => c.json(deploymentWire(await getDeployment(database, c.req.valid('param').id)), 200))
  api.openapi(config, async (c) => {
    const found = await configOf(database, c.req.valid('param').id)
    return c.json(found as Record<string, unknown>, 200)
  })
}
