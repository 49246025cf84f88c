// Deployments on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { configDiff, jsonObject, time } from '../lib/wire.ts'

const deploymentPullRequest = z
  .object({
    repository: z.string().meta({ description: '`owner/name`' }),
    number: z.int(),
    url: z.string(),
    state: z.enum(['open', 'closed', 'merged']),
    merge_sha: z.string().nullable(),
    merged_by: z.string().nullable(),
    merged_at: time.nullable(),
    updated_at: time,
  })
  .meta({
    id: 'DeploymentPullRequest',
    description: 'As GitHub last reported it; open, while it has reported nothing of one that was opened.',
  })

/** A deployment as lists show it: everything but what may be large. */
export const deploymentSummary = z
  .object({
    deployment_id: z.string().meta({ description: '`deploy_<uuid>`' }),
    project_id: z.string(),
    app_name: z.string(),
    variant_name: z.string(),
    variant_id: z.string(),
    environment: z.string(),
    revision: z.int(),
    config_sha256: z.string(),
    commit_message: z.string().nullable(),
    deployed_by: z.string(),
    sequence: z
      .int()
      .meta({ description: 'Counts the deployments of one project, app and environment from 1, without gaps.' }),
    previous_deployment_id: z.string().nullable(),
    event_id: z.uuid().meta({ description: 'The `environment.deployed` event recorded with it.' }),
    created_at: time,
    pull_requests: z.array(deploymentPullRequest),
  })
  .meta({ id: 'DeploymentSummary' })
export type DeploymentSummary = z.infer<typeof deploymentSummary>

const deploymentJob = z
  .object({
    id: z.uuid(),
    job_type: z.string(),
    rule: z.string(),
    agent: z.string(),
    status: z.enum(['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled']),
    error: z.string().nullable(),
  })
  .meta({ id: 'DeploymentJob' })

const deploymentCheck = z
  .object({
    name: z.string(),
    conclusion: z.string().nullable().meta({ description: 'Null while it runs.' }),
    url: z.string(),
  })
  .meta({ id: 'DeploymentCheck' })

/**
 * One deployment with its diff and what followed from it. Its configuration has an address of its
 * own.
 */
export const deploymentDetail = deploymentSummary
  .extend({
    config_diff: configDiff,
    jobs: z.array(deploymentJob).meta({ description: 'The jobs that its event has made.' }),
    checks: z.array(deploymentCheck).meta({ description: 'The checks that these jobs have written.' }),
    reason: z.string().nullable().meta({ description: 'Why its event made no job, or not all.' }),
  })
  .meta({ id: 'DeploymentDetail' })
export type DeploymentDetail = z.infer<typeof deploymentDetail>

/** The answer to a recorded deployment. */
export const recordedDeployment = deploymentDetail
  .extend({ duplicate: z.boolean().meta({ description: 'Whether this Idempotency-Key had recorded it before.' }) })
  .meta({ id: 'RecordedDeployment' })

/** The whole configuration of a deployment. */
export const deploymentConfig = jsonObject
