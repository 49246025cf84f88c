// How a deployment goes: the deployment is made once and found by our key in its payload.
import { z } from 'zod'
import type { WriteForge } from '../forges/forge.ts'
import type { Receipt } from './output.ts'
import { address, common, key, number } from './output-fields.ts'
import { jobKey } from './own.ts'
import type { Author } from './publish.ts'

const STATES = ['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success'] as const

/** Of a ref in an environment, made when missing. */
const ofRef = z.strictObject({
  /** A branch, tag or commit. */
  ref: z.string().min(1).max(255),
  environment: z.string().min(1).max(255),
  /** Default `deploy`. */
  task: z.string().min(1).max(128).optional(),
  description: z.string().max(140).optional(),
  production: z.boolean().optional(),
  /** Whether the environment ends with what it is for. */
  transient: z.boolean().optional(),
  /** Names of the checks that the commit must have passed. Default: none. */
  requiredContexts: z.array(z.string().min(1)).max(50).readonly().optional(),
})

/** How a deployment goes. */
export const deploymentStatusOutput = z.strictObject({
  kind: z.literal('deployment_status'),
  ...common,
  /** A ref in an environment, or a deployment that is there, by its number. */
  target: z.union([ofRef, z.strictObject({ deployment: number })]),
  state: z.enum(STATES),
  description: z.string().max(140).optional(),
  logUrl: address.optional(),
  environmentUrl: address.optional(),
  /** Outputs of a job with the same key are about the same deployment. */
  key,
})

/** What an agent says of a deployment. */
export type DeploymentStatusOutput = z.infer<typeof deploymentStatusOutput>

/** Says how the deployment goes, unless our account has said exactly that of it. */
export async function publishDeploymentStatus(
  forge: WriteForge,
  output: DeploymentStatusOutput,
  job: Author,
): Promise<Receipt> {
  const { repository, state, description = '', logUrl = '', environmentUrl = '' } = output
  const id = await deploymentOf(forge, output, job)
  const receipt = { url: environmentUrl || forge.deploymentsUrl(repository), number: id }
  for (const there of await forge.deploymentStatuses(repository, id)) {
    const isSame =
      there.state === state &&
      there.description === description &&
      there.logUrl === logUrl &&
      there.environmentUrl === environmentUrl
    if (isSame && (await forge.isOwn(repository, there.author))) return { ...receipt, created: false }
  }
  await forge.createDeploymentStatus(repository, id, { state, description, logUrl, environmentUrl })
  return { ...receipt, created: true }
}

async function deploymentOf(forge: WriteForge, output: DeploymentStatusOutput, job: Author): Promise<number> {
  const { repository, target } = output
  if ('deployment' in target) return target.deployment
  const marked = jobKey(job, output.key)
  for (const there of await forge.deployments(repository, target)) {
    if (there.key === marked && (await forge.isOwn(repository, there.author))) return there.id
  }
  return (await forge.createDeployment(repository, { ...target, key: marked })).id
}
