// Deployments and their statuses as GitHub shows them.
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Deployment, DeploymentStatus } from '../records.ts'
import type { Repository } from '../state.ts'
import { accountShape, appShape } from './accounts.ts'
import { nodeId } from './node-id.ts'
import { repositoryUrl } from './repositories.ts'

function deploymentUrl(hub: Hub, repo: Repository, deployment: Deployment): string {
  return `${repositoryUrl(hub, repo)}/deployments/${deployment.id}`
}

/** A deployment. */
export function deploymentShape(hub: Hub, repo: Repository, deployment: Deployment) {
  const url = deploymentUrl(hub, repo, deployment)
  const updatedAtMs = deployment.statuses.at(-1)?.createdAtMs ?? deployment.createdAtMs
  return {
    url,
    id: deployment.id,
    node_id: nodeId('Deployment', deployment.id),
    sha: deployment.sha,
    ref: deployment.ref,
    task: deployment.task,
    payload: deployment.payload,
    original_environment: deployment.environment,
    environment: deployment.environment,
    description: deployment.description,
    creator: accountShape(hub, deployment.creator),
    created_at: isoTime(deployment.createdAtMs),
    updated_at: isoTime(updatedAtMs),
    statuses_url: `${url}/statuses`,
    repository_url: repositoryUrl(hub, repo),
    transient_environment: deployment.isTransient,
    production_environment: deployment.isProduction,
    performed_via_github_app: deployment.app && appShape(hub, deployment.app),
  }
}

/** One status of a deployment. */
export function deploymentStatusShape(hub: Hub, repo: Repository, deployment: Deployment, status: DeploymentStatus) {
  const url = deploymentUrl(hub, repo, deployment)
  return {
    url: `${url}/statuses/${status.id}`,
    id: status.id,
    node_id: nodeId('DeploymentStatus', status.id),
    state: status.state,
    creator: accountShape(hub, status.creator),
    description: status.description,
    environment: status.environment,
    target_url: status.logUrl,
    created_at: isoTime(status.createdAtMs),
    updated_at: isoTime(status.createdAtMs),
    deployment_url: url,
    repository_url: repositoryUrl(hub, repo),
    ...(status.environmentUrl !== '' && { environment_url: status.environmentUrl }),
    ...(status.logUrl !== '' && { log_url: status.logUrl }),
    performed_via_github_app: status.app && appShape(hub, status.app),
  }
}
