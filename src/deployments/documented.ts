// The file that documents the newest deployment of each app's environment, as its job wrote it.
import type { Sql } from '../db/database.ts'
import { deploymentKey } from '../lib/deployment-key.ts'
import { isObject } from '../lib/json.ts'
import { deploymentIdOf } from './deployment.ts'

/** Which deployments; all if nothing is given. */
export type DocumentedFilter = {
  project?: string | undefined
  app?: string | undefined
  environment?: string | undefined
  /** Only those whose file is in this repository. */
  repository?: string | undefined
  /** Only those whose file this pull request of the repository has brought. */
  pullRequest?: number | undefined
}

/** The newest deployment of an app's environment. */
export type Documented = {
  deploymentId: string
  projectId: string
  appName: string
  environment: string
  sequence: number
  deployedBy: string
  configSha256: string
  /** Whether a job of it has not ended. */
  isGoingOn: boolean
  /** What its job has written; null if nothing. */
  written: { outputId: string; repository: string; pullRequest: number | null } | null
}

/** A file as a job wrote it, and the branch it is for; null is the default branch. */
export type WrittenFile = { path: string; content: string; base: string | null }

// So many are compared by one job.
const MAX_DEPLOYMENTS = 1000

/** The newest deployment of each app's environment, without what may be large. */
export async function documentedDeployments(sql: Sql, filter: DocumentedFilter): Promise<Documented[]> {
  const { rows } = await sql.query<Omit<Documented, 'deploymentId'> & { uuid: string }>(
    `with newest as (
       -- Of the index alone: an environment may have any number of deployments.
       select project_id, app_name, environment, max(sequence) as sequence
       from signalbox.deployments
       where ($1::text is null or project_id = $1) and ($2::text is null or app_name = $2)
         and ($3::text is null or environment = $3)
       group by project_id, app_name, environment
     )
     select n.id as uuid, project_id as "projectId", app_name as "appName", environment, sequence,
       deployed_by as "deployedBy", config_sha256 as "configSha256",
       exists (
         select from signalbox.jobs where event_id = n.event_id and status in ('pending', 'running', 'waiting')
       ) as "isGoingOn",
       case when o.id is not null then json_build_object('outputId', o.id, 'repository', o.repository,
         'pullRequest', (o.receipt->>'number')::integer) end as written
     from newest join signalbox.deployments n using (project_id, app_name, environment, sequence) left join lateral (
       select o.id, o.repository, o.receipt from signalbox.jobs j join signalbox.outputs o on o.job_id = j.id
       where j.event_id = n.event_id and o.kind = 'pull_request' and o.status = 'published' and o.key = $6 || n.id
       order by o.published_at desc limit 1
     ) o on true
     where ($4::text is null or lower(o.repository) = lower($4))
       and ($5::integer is null or (o.receipt->>'number')::integer = $5)
     order by project_id, app_name, environment limit $7`,
    [
      filter.project ?? null,
      filter.app ?? null,
      filter.environment ?? null,
      filter.repository ?? null,
      filter.pullRequest ?? null,
      deploymentKey(deploymentIdOf(''), null),
      MAX_DEPLOYMENTS,
    ],
  )
  return rows.map(({ uuid, ...row }) => ({ deploymentId: deploymentIdOf(uuid), ...row }))
}

/** The file of an output; null when it has none. */
export async function writtenFile(sql: Sql, outputId: string): Promise<WrittenFile | null> {
  const { rows } = await sql.query<{ body: { base?: string; changes?: unknown } }>(
    'select body from signalbox.outputs where id = $1',
    [outputId],
  )
  const { base = null, changes } = rows[0]?.body ?? {}
  const first: unknown = Array.isArray(changes) ? changes[0] : null
  if (!isObject(first) || typeof first.path !== 'string' || typeof first.content !== 'string') return null
  return { path: first.path, content: first.content, base }
}
