// Reading deployments: lists, one, and the configuration it deployed.
import type { ConfigDiff, Json } from '@signalbox/sdk'
import type { Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf } from '../lib/page.ts'
import type { Deployment, DeploymentPullRequest, DeploymentSummary } from './deployment.ts'
import { deploymentIdOf, deploymentUuid } from './deployment.ts'

/** Which deployments to list; all of them if nothing is given. */
export type DeploymentFilter = {
  project?: string | undefined
  app?: string | undefined
  environment?: string | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/**
 * Lists deployments, newest first, with their pull requests.
 * @throws `input_invalid` for a cursor or a name that is none.
 */
export async function listDeployments(sql: Sql, filter: DeploymentFilter = {}): Promise<Page<DeploymentSummary>> {
  for (const field of ['project', 'app', 'environment'] as const) {
    // No name has one, and PostgreSQL would refuse the statement.
    if (filter[field]?.includes('\u0000')) throw new AppError('input_invalid', `${field}: must not hold \\u0000`)
  }
  const limit = pageLimit(filter.limit)
  const cursor = filter.cursor === undefined ? null : deploymentUuid(filter.cursor)
  if (filter.cursor !== undefined && cursor === null) throw new AppError('input_invalid', 'cursor: is not one of ours')
  const { rows } = await sql.query<SummaryRow>(
    `select ${SUMMARY} from signalbox.deployments d
     where ($1::text is null or project_id = $1) and ($2::text is null or app_name = $2)
       and ($3::text is null or environment = $3)
       and ($4::uuid is null or (created_at, sequence, id) <
         (select created_at, sequence, id from signalbox.deployments where id = $4))
     order by created_at desc, sequence desc, id desc
     limit $5`,
    [filter.project ?? null, filter.app ?? null, filter.environment ?? null, cursor, limit + 1],
  )
  return pageOf(rows.map(toSummary), limit)
}

/**
 * One deployment by its public id, with its diff and pull requests.
 * @throws `not_found`.
 */
export async function getDeployment(sql: Sql, id: string): Promise<Deployment> {
  const { rows } = await sql.query<SummaryRow & { config_diff: ConfigDiff }>(
    `select ${SUMMARY}, config_diff from signalbox.deployments d where id = $1`,
    [uuidOf(id)],
  )
  if (rows[0] === undefined) throw notFound(id)
  return { ...toSummary(rows[0]), configDiff: rows[0].config_diff }
}

/**
 * The whole configuration a deployment put live.
 * @throws `not_found`.
 */
export async function configOf(sql: Sql, id: string): Promise<Json> {
  const { rows } = await sql.query<{ config: Json }>('select config from signalbox.deployments where id = $1', [
    uuidOf(id),
  ])
  if (rows[0] === undefined) throw notFound(id)
  return rows[0].config
}

type SummaryRow = {
  id: string
  project_id: string
  app_name: string
  variant_name: string
  variant_id: string
  environment: string
  revision: number
  config_sha256: string
  commit_message: string | null
  deployed_by: string
  sequence: number
  previous_deployment_id: string | null
  event_id: string
  created_at: Date
  pull_requests: (Omit<DeploymentPullRequest, 'updatedAt'> & { updatedAt: string })[]
}

const SUMMARY = `d.id, project_id, app_name, variant_name, variant_id, environment, revision, config_sha256,
  commit_message, deployed_by, sequence, previous_deployment_id, event_id, created_at,
  coalesce((
    select json_agg(json_build_object('repository', repository, 'number', number, 'url', url, 'state', state,
      'mergeSha', merge_sha, 'mergedBy', merged_by, 'updatedAt', updated_at) order by repository, number)
    from signalbox.deployment_pull_requests where deployment_id = d.id
  ), '[]') as pull_requests`

function toSummary(row: SummaryRow): DeploymentSummary {
  return {
    id: deploymentIdOf(row.id),
    projectId: row.project_id,
    appName: row.app_name,
    variantName: row.variant_name,
    variantId: row.variant_id,
    environment: row.environment,
    revision: row.revision,
    configSha256: row.config_sha256,
    commitMessage: row.commit_message,
    deployedBy: row.deployed_by,
    sequence: row.sequence,
    previousDeploymentId: row.previous_deployment_id === null ? null : deploymentIdOf(row.previous_deployment_id),
    eventId: row.event_id,
    createdAt: row.created_at,
    pullRequests: row.pull_requests.map((pull) => ({ ...pull, updatedAt: new Date(pull.updatedAt) })),
  }
}

function uuidOf(id: string): string {
  const uuid = deploymentUuid(id)
  if (uuid === null) throw notFound(id)
  return uuid
}

function notFound(id: string): AppError {
  return new AppError('not_found', `There is no deployment ${JSON.stringify(id)}.`)
}
