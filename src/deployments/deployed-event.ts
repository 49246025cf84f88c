// The `environment.deployed` event: the bytes every receiver gets, and what rules and endpoints
// match on.
import type { EnvironmentDeployed } from '@signalbox/sdk'
import type { Draft } from '../events/event.ts'
import { newId } from '../lib/id.ts'
import type { Json } from '../lib/json.ts'
import type { Deployment } from './deployment.ts'
import type { Configuration } from './request.ts'

// Configurations of this many bytes of JSON or more are not in the body, which has the address in
// `config_url` instead.
const MAX_INLINE_CONFIG_BYTES = 20_000

/**
 * Builds the event of a deployment. The body is serialised here and nowhere else; these bytes are
 * stored, signed and sent. Where they leave out a large configuration, the event's payload has it.
 */
export function deployedEvent(deployment: Deployment, config: Configuration, publicUrl?: string): Draft {
  const { appName, environment, deployedBy } = deployment
  const isInline = config.bytes < MAX_INLINE_CONFIG_BYTES
  const complete = envelope(deployment, {
    deliveryId: `delivery_${newId(deployment.createdAt)}`,
    config: config.value,
    configUrl: isInline ? null : configUrl(deployment.id, publicUrl),
  })
  const sent = isInline ? complete : { ...complete, data: { ...complete.data, config: null } }
  return {
    id: deployment.eventId,
    source: 'deployments',
    deliveryId: complete.delivery_id,
    type: complete.event,
    subject: `${appName}@${environment}`,
    actor: deployedBy,
    facts: { environment, app: appName, project: deployment.projectId, author: deployedBy },
    body: Buffer.from(JSON.stringify(sent)),
    payload: isInline ? null : complete,
    contentType: 'application/json',
    headers: {},
    depth: 0,
    causeJobId: null,
  }
}

type Sent = { deliveryId: string; config: Json; configUrl: string | null }

// A wire contract: Agenta's fields first, in its order, then those added here. No name changes.
function envelope(deployment: Deployment, { deliveryId, config, configUrl: config_url }: Sent): EnvironmentDeployed {
  return {
    event: 'environment.deployed',
    // Whole seconds; `sequence` is what orders deployments.
    timestamp: deployment.createdAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    delivery_id: deliveryId,
    project_id: deployment.projectId,
    data: {
      app_name: deployment.appName,
      variant_name: deployment.variantName,
      variant_id: deployment.variantId,
      environment: deployment.environment,
      revision: deployment.revision,
      commit_message: deployment.commitMessage,
      config_diff: deployment.configDiff,
      deployed_by: deployment.deployedBy,
      deployment_id: deployment.id,
      config,
      config_url,
      config_sha256: deployment.configSha256,
      sequence: deployment.sequence,
      previous_deployment_id: deployment.previousDeploymentId,
    },
  }
}

function configUrl(id: string, publicUrl: string | undefined): string {
  const path = `api/deployments/${id}/config`
  // Without a known address a path is still enough for who knows which server signed the event.
  return publicUrl === undefined ? `/${path}` : `${publicUrl.replace(/(?<!\/)\/+$/, '')}/${path}`
}
