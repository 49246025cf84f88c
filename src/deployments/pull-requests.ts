// Closing the loop: what GitHub reports about a pull request is stored against the deployments it
// documents.
import { z } from 'zod'
import type { Sql } from '../db/database.ts'
import { deploymentIdOf } from './deployment.ts'

// More than one pull request ever documents; a body made to name thousands costs no more than this.
const MAX_DEPLOYMENTS = 100

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const storedText = z.string().regex(/^[^\0]*$/)
const repository = z.object({ full_name: storedText })

// https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request
const pullRequestPayload = z.object({
  action: z.string(),
  pull_request: z.object({
    number: z.int32().positive(),
    html_url: z.url({ protocol: /^https?$/ }).and(storedText),
    state: z.enum(['open', 'closed']),
    body: z.string().nullish(),
    merged: z.boolean().nullish(),
    merge_commit_sha: storedText.nullish(),
    merged_by: z.object({ login: storedText }).nullish(),
    updated_at: z.iso.datetime({ offset: true }),
    // `repo` is null when a fork was deleted.
    head: z.object({ ref: z.string(), repo: repository.nullish() }),
    base: z.object({ repo: repository }),
  }),
})

/**
 * The public ids of the deployments a `pull_request` webhook's pull request documents: those named
 * in the publisher's hidden markers in its body, and the one its branch is named after. None when
 * it comes from a fork, whose author could claim anything, or when the payload is not of that
 * shape.
 */
export function deploymentsNamedIn(payload: unknown): string[] {
  const { data } = pullRequestPayload.safeParse(payload)
  return data === undefined ? [] : uuidsNamedIn(data).map(deploymentIdOf)
}

/**
 * Stores a pull request's state against every deployment it documents, in one statement, or none
 * when it documents none. A webhook that arrives late does not undo a newer one, and ids that are
 * no deployment of ours are passed over.
 */
export async function recordPullRequest(tx: Sql, event: { eventId: string; payload: unknown }): Promise<void> {
  const { data } = pullRequestPayload.safeParse(event.payload)
  const uuids = data === undefined ? [] : uuidsNamedIn(data)
  if (data === undefined || uuids.length === 0) return
  const { action, pull_request: pull } = data
  const isMerged = pull.merged === true
  await tx.query(UPSERT, [
    uuids,
    pull.base.repo.full_name,
    pull.number,
    pull.html_url,
    isMerged ? 'merged' : pull.state,
    // While a pull request is open, this is the commit of GitHub's trial merge.
    isMerged ? (pull.merge_commit_sha ?? null) : null,
    isMerged ? (pull.merged_by?.login ?? null) : null,
    event.eventId,
    pull.updated_at,
    action === 'reopened',
  ])
}

// Deployments this pull request documented before are updated too: a later deployment put on the
// same pull request takes over its marker, but is merged or closed together with them. GitHub's
// times are whole seconds, so within one second an "open" only counts as news when it says
// "reopened"; and nothing comes after a merge.
const UPSERT = `
  with documented as (
    select id from signalbox.deployments where id = any($1::uuid[])
    union
    select deployment_id from signalbox.deployment_pull_requests where repository = $2 and number = $3
  )
  insert into signalbox.deployment_pull_requests as stored
    (deployment_id, repository, number, url, state, merge_sha, merged_by, event_id, updated_at)
  select id, $2::text, $3::integer, $4::text, $5::text, $6::text, $7::text, $8::uuid, $9::timestamptz
  from documented order by id
  on conflict (deployment_id, repository, number) do update set
    url = excluded.url, state = excluded.state, merge_sha = excluded.merge_sha, merged_by = excluded.merged_by,
    event_id = excluded.event_id, updated_at = excluded.updated_at
  where (stored.state <> 'merged' or excluded.state = 'merged')
    and (stored.updated_at < excluded.updated_at
      or (stored.updated_at = excluded.updated_at and (excluded.state <> 'open' or $10::boolean)))`

function uuidsNamedIn({ pull_request: pull }: z.infer<typeof pullRequestPayload>): string[] {
  if (pull.head.repo?.full_name !== pull.base.repo.full_name) return []
  // `<!-- signalbox:key=deployment=deploy_… key=… -->`. Without `<` and `>` inside, the search
  // stays linear on a hostile body.
  const markers = (pull.body ?? '').match(/<!-- signalbox:[^<>\n]* -->/g) ?? []
  const inMarkers = markers.flatMap((marker) => [
    ...marker.matchAll(new RegExp(`[ :]key=deployment=(?:deploy_)?(${UUID})(?= )`, 'gi')),
  ])
  const inBranch = new RegExp(`^agenta/deploy-.+-(?:deploy_)?(${UUID})$`, 'i').exec(pull.head.ref)
  const named = [inBranch, ...inMarkers].flatMap((match) => match?.[1]?.toLowerCase() ?? [])
  return [...new Set(named)].slice(0, MAX_DEPLOYMENTS)
}
