// What a forge does with deployments and their statuses.

/** How a deployment goes. */
export type DeploymentState = 'error' | 'failure' | 'inactive' | 'in_progress' | 'queued' | 'pending' | 'success'

/** A deployment to make; `key` is ours, by which it is found again. */
export type NewDeployment = {
  ref: string
  environment: string
  key: string
  task?: string | undefined
  description?: string | undefined
  production?: boolean | undefined
  transient?: boolean | undefined
  /** Names of the checks that the commit must have passed. Default: none. */
  requiredContexts?: readonly string[] | undefined
}

/** What is said of a deployment. */
export type DeploymentStatus = {
  state: DeploymentState
  description: string
  logUrl: string
  environmentUrl: string
}

/** The part of a forge that shows deployments. */
export type DeploymentForge = {
  /** Those of a ref and environment, newest first; the newest 100 are returned. */
  deployments(
    repository: string,
    of: { ref: string; environment: string },
  ): Promise<{ id: number; key: string | null; author: string | null }[]>
  /**
   * Makes a deployment without merging anything.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  createDeployment(repository: string, deployment: NewDeployment): Promise<{ id: number }>
  /** Newest first. */
  deploymentStatuses(repository: string, id: number): Promise<(DeploymentStatus & { author: string | null })[]>
  /**
   * Says how a deployment goes.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  createDeploymentStatus(repository: string, id: number, status: DeploymentStatus): Promise<void>
  /** The page where people see them. */
  deploymentsUrl(repository: string): string
}
