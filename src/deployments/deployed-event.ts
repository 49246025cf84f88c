// The `environment.deployed` event: the bytes every receiver gets, and what rules and endpoints
// match on.
import type { EnvironmentDeployed } from '@signalbox/sdk'
import type { NewEvent } from '../events/event.ts'
import { newId } from '../lib/id.ts'
import type { Deployment } from './deployment.ts'
import type { JsonObject } from './diff.ts'

// Configurations of this many bytes of JSON or more are not in the event; `config_url` leads to
// them.
const MAX_INLINE_CONFIG_BYTES = 20_000

/** An event as this room knows it; who records it adds its jobs and deliveries. */
export type EventDraft = Pick<
  NewEvent,
  'id' | 'source' | 'deliveryId' | 'type' | 'subject' | 'actor' | 'facts' | 'body' | 'contentType' | 'headers'
>

/**
 * Builds the event of a deployment. The body is serialised here and nowhere else; these bytes are
 * stored, signed and sent.
 */
export function deployedEvent(deployment: Deployment, config: JsonObject, publicUrl?: string): EventDraft {
  const deliveryId = `delivery_${newId(deployment.createdAt)}`
  return {
    id: deployment.eventId,
    source: 'deployments',
    deliveryId,
    type: 'environment.deployed',
    subject: `${deployment.appName}@${deployment.environment}`,
    actor: deployment.deployedBy,
    facts: {
      environment: deployment.environment,
      app: deployment.appName,
      project: deployment.projectId,
      author: deployment.deployedBy,
    },
    body: Buffer.from(JSON.stringify(wireBody(deployment, config, deliveryId, publicUrl))),
    contentType: 'application/json',
    headers: {},
  }
}

// The fields and their order are the wire contract of DESIGN §5: the guide's first, then ours.
function wireBody(
  deployment: Deployment,
  config: JsonObject,
  deliveryId: string,
  publicUrl: string | undefined,
): EnvironmentDeployed {
  const isInline = Buffer.byteLength(JSON.stringify(config)) < MAX_INLINE_CONFIG_BYTES
  return {
    event: 'environment.deployed',
    // Whole seconds, as in the guide's example; the order of deployments is told by `sequence`.
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
      config: isInline ? config : null,
      config_url: isInline ? null : configUrl(deployment.id, publicUrl),
      config_sha256: deployment.configSha256,
      sequence: deployment.sequence,
      previous_deployment_id: deployment.previousDeploymentId,
    },
  }
}

function configUrl(id: string, publicUrl: string | undefined): string {
  const path = `api/deployments/${id}/config`
  // Without a known address a path is still enough for who knows which server signed the event.
  return publicUrl === undefined ? `/${path}` : `${publicUrl.replace(/\/+$/, '')}/${path}`
}
