// How the pull request of a deployment is named after it: the key in its hidden marker, and its
// branch.

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const KEY = new RegExp(`^deployment=(?:deploy_)?(${UUID})$`, 'i')
const BRANCH = new RegExp(`^agenta/deploy-.+-(?:deploy_)?(${UUID})$`, 'i')

/** The key of a deployment, whatever its sender's ids look like. */
export function deploymentKey(deploymentId: string): string {
  return `deployment=${deploymentId}`
}

/**
 * The branch of a deployment, `agenta/deploy-<app>-<deployment id>`, an id's own `deploy_` left
 * out. `safePart` makes any text a part of a branch's name.
 */
export function deploymentBranch(app: string, deploymentId: string, safePart: (text: string) => string): string {
  return `agenta/deploy-${safePart(app)}-${safePart(deploymentId.replace(/^deploy[_-](?=[A-Za-z0-9])/, ''))}`
}

/** The UUID of the deployment a key is of; null for any other key or id. */
export function deploymentOfKey(key: string): string | null {
  return KEY.exec(key)?.[1]?.toLowerCase() ?? null
}

/** The UUID of the deployment a branch is named after; null for any other branch or id. */
export function deploymentOfBranch(branch: string): string | null {
  return BRANCH.exec(branch)?.[1]?.toLowerCase() ?? null
}
