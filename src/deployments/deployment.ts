// What a deployment is: which configuration went live where.
import type { ConfigDiff } from '@signalbox/sdk'
import { isUuid } from '../lib/id.ts'

/** A deployment as it is recorded. Its configuration is read by `configOf`. */
export type Deployment = {
  /** `deploy_<uuid>`, the one public form: on the wire, in branches and markers, in paths. */
  id: string
  projectId: string
  appName: string
  variantName: string
  variantId: string
  environment: string
  revision: number
  configSha256: string
  commitMessage: string | null
  deployedBy: string
  /** Counts the deployments of one project, app and environment from 1, without gaps. */
  sequence: number
  previousDeploymentId: string | null
  /** The `environment.deployed` event that was recorded with it. */
  eventId: string
  createdAt: Date
  /** How the configuration differs from the one before it. */
  configDiff: ConfigDiff
}

const PREFIX = 'deploy_'

/** The public id of a deployment's row. */
export function deploymentIdOf(uuid: string): string {
  return `${PREFIX}${uuid}`
}

/**
 * The row a public id means, with or without its prefix; null when it is not the id of a
 * deployment.
 */
export function deploymentUuid(id: string): string | null {
  const uuid = withoutPrefix(id).toLowerCase()
  return isUuid(uuid) ? uuid : null
}

/** A public id, or a part of one, without its prefix. */
export function withoutPrefix(id: string): string {
  return id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id
}
