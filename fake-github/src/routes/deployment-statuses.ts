// How deployments go.
import { z } from 'zod'
import { emit } from '../events.ts'
import { notFound } from '../github-error.ts'
import type { Deployment, DeploymentStatus } from '../records.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, numberParam, page, read, readBody } from '../route.ts'
import { deploymentShape, deploymentStatusShape } from '../shapes/deployments.ts'
import { findDeployment } from './deployments.ts'

const STATUSES = '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses'
const createBody = z.object({
  state: z.enum(['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success']),
  target_url: z.string().default(''),
  log_url: z.string().optional(),
  description: z.string().max(140).default(''),
  environment: z.string().optional(),
  environment_url: z.string().default(''),
  auto_inactive: z.boolean().default(true),
})

/** https://docs.github.com/en/rest/deployments/statuses */
export const deploymentStatusRoutes = [
  read(STATUSES, 'deployments:read', (call) => {
    const deployment = findDeployment(call)
    return page(call, deployment.statuses.toReversed(), (status) => show(call, deployment, status))
  }),

  change('POST', STATUSES, { need: 'deployments:write' }, createStatus),

  read(`${STATUSES}/{status_id}`, 'deployments:read', (call) => {
    const deployment = findDeployment(call)
    const status = deployment.statuses.find(({ id }) => id === numberParam(call, 'status_id'))
    if (!status) throw notFound()
    return json(show(call, deployment, status))
  }),
]

function show({ hub, repo }: RepositoryCall, deployment: Deployment, status: DeploymentStatus) {
  return deploymentStatusShape(hub, repo, deployment, status)
}

function createStatus(call: ChangeCall) {
  const deployment = findDeployment(call)
  const body = readBody(call, 'DeploymentStatus', createBody)
  const status = add(call, deployment, {
    state: body.state,
    description: body.description,
    environment: body.environment ?? deployment.environment,
    environmentUrl: body.environment_url,
    logUrl: body.log_url ?? body.target_url,
  })
  if (body.state === 'success' && body.auto_inactive) endEarlier(call, deployment)
  const shape = show(call, deployment, status)
  return json(shape, 201, { location: shape.url })
}

type Given = Pick<DeploymentStatus, 'state' | 'description' | 'environment' | 'environmentUrl' | 'logUrl'>

function add(call: ChangeCall, deployment: Deployment, given: Given): DeploymentStatus {
  const { hub, repo, account, app } = call
  const status = { ...given, id: hub.state.nextId(), creator: account, app, createdAtMs: hub.clock() }
  deployment.environment = given.environment
  deployment.statuses.push(status)
  emit(call, 'deployment_status', {
    action: 'created',
    deployment: deploymentShape(hub, repo, deployment),
    deployment_status: show(call, deployment, status),
    check_run: null,
    workflow: null,
    workflow_run: null,
  })
  return status
}

/** What was deployed there before is inactive now, unless it is production or transient. */
function endEarlier(call: ChangeCall, { id, environment }: Deployment): void {
  for (const other of call.repo.deployments.values()) {
    const isSame = other.environment === environment && other.id < id
    const isLive = other.statuses.at(-1)?.state === 'success'
    if (!isSame || !isLive || other.isTransient || other.isProduction) continue
    add(call, other, { state: 'inactive', description: '', environment, environmentUrl: '', logUrl: '' })
  }
}
