// What a forge reports about a pull request, stored with the deployments that it documents.
import type { Sql } from '../db/database.ts'
import type { Draft, NewEvent, Reaction } from '../events/event.ts'
import type { PullRequest } from '../events/pull-request.ts'
import type { Clock } from '../lib/clock.ts'
import { deploymentOfBranch, deploymentOfKey } from '../lib/deployment-key.ts'
import { markedKeys } from '../lib/marker.ts'
import { ownEvent } from '../lib/own-event.ts'
import { plainRepositoryName } from '../lib/repository.ts'
import { deploymentIdOf } from './deployment.ts'

// No pull request documents so many. A body made to name thousands costs no more than this.
const MAX_DEPLOYMENTS = 100

/**
 * Stores a pull request's state with every deployment it documents, in the transaction that records
 * its event. Anybody can open a pull request that names a deployment, so it is believed only where
 * one was asked for: in the repository of an output of that deployment's jobs, or in one of the
 * given ones, where a webhook handler opens them. A webhook that arrives late does not undo a newer
 * one. A pull request that names no deployment may have named one before a person edited its body:
 * the statement finds that by an index, and writes nothing for other pull requests. When it is
 * merged, an event `environment.merged` says so of each environment that it is for.
 */
export function trackPullRequests(repositories: readonly string[], clock: Clock): Reaction {
  const trusted = repositories.map((name) => plainRepositoryName(name).toLowerCase())
  return {
    on: ({ pullRequest }) => pullRequest !== undefined && !pullRequest.head.fromFork,
    async run(tx, event) {
      const { id, pullRequest } = event
      if (pullRequest === undefined) return []
      const merged = await store(tx, id, pullRequest, trusted)
      return merged.map((deployment) => mergedEvent(deployment, { event, pullRequest }, clock.now()))
    },
  }
}

/**
 * The UUIDs of the deployments a pull request documents: those named in the publisher's hidden
 * markers in its body, and the one its branch is named after. None when it comes from a fork, whose
 * author could claim anything.
 */
export function deploymentsNamedIn({ head, body }: Pick<PullRequest, 'head' | 'body'>): string[] {
  if (head.fromFork) return []
  const named = [deploymentOfBranch(head.ref), ...markedKeys(body ?? '').map(deploymentOfKey)]
  return [...new Set(named.filter((id) => id !== null))].slice(0, MAX_DEPLOYMENTS)
}

/** A deployment whose pull request was just merged, the newest of its environment. */
type Merged = { id: string; project: string; app: string; environment: string }

function mergedEvent(
  { id, project, app, environment }: Merged,
  { event, pullRequest }: { event: NewEvent; pullRequest: PullRequest },
  now: Date,
): Draft {
  const { repository, number, url, mergeSha, mergedBy } = pullRequest
  const { author, branch } = event.facts
  const about = { repository, number, isPullRequest: true, environment, app, project }
  const draft = ownEvent(
    {
      type: 'environment.merged',
      deliveryId: `merged_${id}_${event.id}`,
      subject: `${repository}#${number}`,
      actor: mergedBy,
      facts: {
        ...about,
        ...(author !== undefined && { author }),
        ...(branch !== undefined && { branch }),
        ...(mergeSha !== null && { sha: mergeSha }),
        ...(mergedBy !== null && { sender: mergedBy }),
      },
      data: {
        deployment_id: deploymentIdOf(id),
        app_name: app,
        environment,
        project_id: project,
        repository,
        pull_request: number,
        url,
        merge_sha: mergeSha,
        merged_by: mergedBy,
      },
      depth: event.depth,
      causeJobId: null,
    },
    now,
  )
  return { ...draft, happenedAt: pullRequest.updatedAt }
}

async function store(tx: Sql, eventId: string, pull: PullRequest, trusted: readonly string[]): Promise<Merged[]> {
  const values = [
    deploymentsNamedIn(pull),
    pull.repository,
    pull.number,
    pull.url,
    pull.state,
    pull.mergeSha,
    pull.mergedBy,
    pull.mergedAt ?? null,
    eventId,
    pull.updatedAt,
    pull.reopened,
    trusted.includes(pull.repository.toLowerCase()),
  ]
  return (await tx.query<Merged>(UPSERT, values, 'track pull request')).rows
}

// Deployments this pull request documented before are updated too: a later deployment put on the
// same pull request takes over its marker, but is merged or closed together with them. GitHub's
// times are whole seconds, so within one second an "open" only counts as news when it says
// "reopened"; and nothing comes after a merge.
const UPSERT = `
  with documented as (
    select id from signalbox.deployments as d where id = any($1::uuid[]) and ($12::boolean or exists (
      select from signalbox.jobs join signalbox.outputs on outputs.job_id = jobs.id
      where jobs.event_id = d.event_id and lower(outputs.repository) = lower($2)
    ))
    union
    select deployment_id from signalbox.deployment_pull_requests where repository = $2 and number = $3
  ), merged_before as (
    select deployment_id from signalbox.deployment_pull_requests
    where repository = $2 and number = $3 and state = 'merged'
  ), changed as (
  insert into signalbox.deployment_pull_requests as stored
    (deployment_id, repository, number, url, state, merge_sha, merged_by, merged_at, event_id, updated_at)
  select id, $2::text, $3::integer, $4::text, $5::text, $6::text, $7::text, $8::timestamptz,
    $9::uuid, $10::timestamptz
  from documented order by id
  on conflict (deployment_id, repository, number) do update set
    url = excluded.url, state = excluded.state, merge_sha = excluded.merge_sha, merged_by = excluded.merged_by,
    merged_at = excluded.merged_at, event_id = excluded.event_id, updated_at = excluded.updated_at
  where (stored.state <> 'merged' or excluded.state = 'merged')
    and (stored.updated_at < excluded.updated_at
      or (stored.updated_at = excluded.updated_at and (excluded.state <> 'open' or $11::boolean)))
    returning deployment_id, stored.state
  )
  select distinct on (project_id, app_name, environment) d.id, project_id as project, app_name as app, environment
  from changed join signalbox.deployments as d on d.id = changed.deployment_id
  where changed.state = 'merged' and d.id not in (select deployment_id from merged_before)
  order by project_id, app_name, environment, sequence desc`
