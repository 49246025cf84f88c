// Reading deployments: lists, one, and the configuration it deployed.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { AppError } from '../lib/error.ts'
import type { JsonObject } from '../lib/json.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf, readCursor } from '../lib/page.ts'
import { deploymentIdOf, deploymentUuid } from './deployment.ts'
import type { DeploymentDetail, DeploymentSummary } from './wire.ts'

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
 * @throws AppError `input_invalid` when the cursor is not one, or a name cannot be stored.
 */
export async function listDeployments(sql: Sql, filter: DeploymentFilter = {}): Promise<Page<DeploymentSummary>> {
  for (const field of ['project', 'app', 'environment'] as const) {
    // No name has one, and PostgreSQL would refuse the statement.
    if (filter[field]?.includes('\u0000')) throw new AppError('input_invalid', `${field}: must not contain \\u0000`)
  }
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<DeploymentSummary & { id: string }>(
    `select ${SUMMARY} from signalbox.deployments d
     where ($1::text is null or project_id = $1) and ($2::text is null or app_name = $2)
       and ($3::text is null or environment = $3)
       and ($4::uuid is null or (d.created_at, sequence, id) <
         (select created_at, sequence, id from signalbox.deployments where id = $4))
     order by d.created_at desc, sequence desc, id desc
     limit $5`,
    [
      filter.project ?? null,
      filter.app ?? null,
      filter.environment ?? null,
      readCursor(filter.cursor, deploymentUuid),
      limit + 1,
    ],
  )
  const { items, next } = pageOf(rows, limit)
  return { items: items.map(({ id: _, ...row }) => row), next }
}

/**
 * One deployment by its public id, with its diff and pull requests, as the API shows it.
 * @throws AppError `not_found` when there is no such deployment.
 */
export async function showDeployment(sql: Sql, id: string): Promise<DeploymentDetail> {
  const { rows } = await sql.query<DeploymentDetail & { id: string }>(
    `select ${SUMMARY}, config_diff from signalbox.deployments d where id = $1`,
    [uuidOf(id)],
  )
  if (rows[0] === undefined) throw notFound(id)
  const { id: _, ...row } = rows[0]
  return row
}

/**
 * The whole configuration a deployment put live.
 * @throws AppError `not_found` when there is no such deployment.
 */
export async function configOf(sql: Sql, id: string): Promise<JsonObject> {
  const { rows } = await sql.query<{ config: JsonObject }>('select config from signalbox.deployments where id = $1', [
    uuidOf(id),
  ])
  if (rows[0] === undefined) throw notFound(id)
  return rows[0].config
}

const SUMMARY = `d.id, '${deploymentIdOf('')}' || d.id as deployment_id, project_id, app_name, variant_name, variant_id,
  environment, revision, config_sha256, commit_message, deployed_by, sequence,
  '${deploymentIdOf('')}' || previous_deployment_id as previous_deployment_id, event_id,
  ${isoTime('d.created_at')} as created_at,
  coalesce((
    select json_agg(json_build_object('repository', repository, 'number', number, 'url', url, 'state', state,
      'merge_sha', merge_sha, 'merged_by', merged_by, 'updated_at', ${isoTime('updated_at')})
      order by repository, number)
    from signalbox.deployment_pull_requests where deployment_id = d.id
  ), '[]') as pull_requests`

function uuidOf(id: string): string {
  const uuid = deploymentUuid(id)
  if (uuid === null) throw notFound(id)
  return uuid
}

function notFound(id: string): AppError {
  return new AppError('not_found', `There is no deployment ${JSON.stringify(id)}.`)
}
