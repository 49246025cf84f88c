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
  const { rows } = await sql.query<Omit<DeploymentDetail, 'checks'> & { id: string; checks: StoredCheck[] }>(
    `select ${SUMMARY}, config_diff, ${FOLLOWED} from signalbox.deployments d where id = $1`,
    [uuidOf(id)],
  )
  if (rows[0] === undefined) throw notFound(id)
  const { id: _, checks, ...row } = rows[0]
  return {
    ...row,
    checks: checks.map(({ body, url }) => ({ name: body.check, conclusion: body.conclusion ?? null, url })),
  }
}

// Whole, because PostgreSQL cannot take a field out of JSON that has \u0000 anywhere.
type StoredCheck = { body: { check: string; conclusion?: string }; url: string }

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

// What a job has opened and the forge has not reported: its webhook is late, or there is none.
const OPENED = `select distinct on (lower(o.repository), o.receipt->>'number') o.repository,
        (o.receipt->>'number')::integer, o.receipt->>'url', 'open', null, null, null::timestamptz, o.published_at
      from signalbox.jobs j join signalbox.outputs o on o.job_id = j.id
      where j.event_id = d.event_id and o.kind = 'pull_request' and o.status = 'published'
        and o.receipt->>'number' is not null and not exists (
          select from signalbox.deployment_pull_requests p where p.deployment_id = d.id
            and lower(p.repository) = lower(o.repository) and p.number = (o.receipt->>'number')::integer)`

const SUMMARY = `d.id, '${deploymentIdOf('')}' || d.id as deployment_id, project_id, app_name, variant_name, variant_id,
  environment, revision, config_sha256, commit_message, deployed_by, sequence,
  '${deploymentIdOf('')}' || previous_deployment_id as previous_deployment_id, event_id,
  ${isoTime('d.created_at')} as created_at,
  coalesce((
    select json_agg(json_build_object('repository', repository, 'number', number, 'url', url, 'state', state,
      'merge_sha', merge_sha, 'merged_by', merged_by, 'merged_at', ${isoTime('merged_at')},
      'updated_at', ${isoTime('updated_at')}) order by repository, number)
    from (
      select repository, number, url, state, merge_sha, merged_by, merged_at, updated_at
      from signalbox.deployment_pull_requests where deployment_id = d.id
      union all
      ${OPENED}
    ) as pulls
  ), '[]') as pull_requests`

const FOLLOWED = `
  coalesce((
    select json_agg(json_build_object('id', id, 'job_type', type, 'rule', rule, 'agent', agent, 'status', status,
      'error', error) order by created_at, id)
    from signalbox.jobs where event_id = d.event_id
  ), '[]') as jobs,
  coalesce((
    select json_agg(json_build_object('body', body, 'url', url) order by url)
    from (
      -- One of the same key is the same check, as it was written last.
      select distinct on (o.job_id, o.key) o.body, o.receipt->>'url' as url
      from signalbox.jobs j join signalbox.outputs o on o.job_id = j.id
      where j.event_id = d.event_id and o.kind = 'check' and o.status = 'published'
      order by o.job_id, o.key, o.position desc
    ) as written
  ), '[]') as checks,
  (select reason from signalbox.events e where e.id = d.event_id) as reason`

function uuidOf(id: string): string {
  const uuid = deploymentUuid(id)
  if (uuid === null) throw notFound(id)
  return uuid
}

function notFound(id: string): AppError {
  return new AppError('not_found', `There is no deployment ${JSON.stringify(id)}.`)
}
