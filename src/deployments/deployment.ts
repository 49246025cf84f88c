// What a deployment is: which configuration went live where, and which pull requests document it.
import type { ConfigDiff } from '@signalbox/sdk'
import { isUuid } from '../lib/id.ts'

/** A pull request that documents a deployment, as GitHub last reported it. */
export type DeploymentPullRequest = {
  /** `owner/name`. */
  repository: string
  number: number
  url: string
  state: 'open' | 'closed' | 'merged'
  mergeSha: string | null
  mergedBy: string | null
  updatedAt: Date
}

/** A deployment as lists show it: everything but what may be large. */
export type DeploymentSummary = {
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
  pullRequests: DeploymentPullRequest[]
}

/**
 * A deployment with how it differs from the one before it. Its configuration is read by `configOf`.
 */
export type Deployment = DeploymentSummary & { configDiff: ConfigDiff }

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
  const uuid = (id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id).toLowerCase()
  return isUuid(uuid) ? uuid : null
}
