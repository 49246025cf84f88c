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

/** A deployment that is there; `key` is null for one that is not ours. */
export type Deployment = {
  id: number
  ref: string
  sha: string
  environment: string
  description: string
  /** Ours, where it has one: whoever may make deployments may have copied it. */
  key: string | null
  author: string | null
  createdAt: Date
}

/** What is said of a deployment. */
export type DeploymentStatus = {
  state: DeploymentState
  description: string
  logUrl: string
  environmentUrl: string
}

/** What was said of a deployment, by whom and when. */
export type WrittenStatus = DeploymentStatus & { author: string | null; createdAt: Date }

/** The part of a forge that shows deployments. */
export type DeploymentForge = {
  /** Those of an environment, or of a ref in it, newest first; the newest 100 are returned. */
  deployments(repository: string, of: { ref?: string | undefined; environment: string }): Promise<Deployment[]>
  /**
   * Makes a deployment without merging anything.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  createDeployment(repository: string, deployment: NewDeployment): Promise<{ id: number }>
  /** Newest first; the newest 1,000 are returned. */
  deploymentStatuses(repository: string, id: number): Promise<WrittenStatus[]>
  /**
   * Says how a deployment goes.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  createDeploymentStatus(repository: string, id: number, status: DeploymentStatus): Promise<void>
  /** The page where people see them. */
  deploymentsUrl(repository: string): string
}
