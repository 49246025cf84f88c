// How the pull request of a deployment is named after it: the key in its hidden marker, and its
// branch.

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const KEY = new RegExp(`^deployment=(?:deploy_)?(${UUID})$`, 'i')
const BRANCH = new RegExp(`^agenta/deploy-.+-(?:deploy_)?(${UUID})$`, 'i')

/** The branch of a deployment unless another template is set; `deploymentOfBranch` reads it. */
export const DEPLOYMENT_BRANCH = 'agenta/deploy-{app}-{deployment_id}'

/**
 * The key of a deployment, whatever its sender's ids look like: those that are no UUIDs may be the
 * same in two projects.
 */
export function deploymentKey(deploymentId: string, project: string | null): string {
  const key = `deployment=${deploymentId}`
  return project === null || KEY.test(key) ? key : `deployment=${project}/${deploymentId}`
}

/** A deployment's id as it stands in a branch: its own `deploy_` left out. */
export function idInBranch(deploymentId: string): string {
  return deploymentId.replace(/^deploy[_-](?=[A-Za-z0-9])/, '')
}

/** The UUID of the deployment a key is of; null for any other key or id. */
export function deploymentOfKey(key: string): string | null {
  return KEY.exec(key)?.[1]?.toLowerCase() ?? null
}

/** The UUID of the deployment a branch is named after; null for any other branch or id. */
export function deploymentOfBranch(branch: string): string | null {
  return BRANCH.exec(branch)?.[1]?.toLowerCase() ?? null
}
