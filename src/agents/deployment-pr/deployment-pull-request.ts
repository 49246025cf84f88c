// From a deployment event to the pull request that documents it. Pure.
import { deploymentKey } from '../../lib/deployment-key.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import { plainLine } from '../../untrusted/inert.ts'
import { pullRequestBody } from './body.ts'
import type { DeploymentEvent } from './deployment-event.ts'
import { deploymentFile } from './deployment-file.ts'
import { deploymentNote } from './deployment-note.ts'
import { branchName, safePart, shortened } from './names.ts'
import type { DeploymentPrOptions } from './options.ts'
import { DEFAULT_OPTIONS, fill } from './options.ts'

const MAX_NAME_CHARS = 100
const MAX_TITLE_CHARS = 250
// GitHub's limit for a label.
const MAX_LABEL_CHARS = 50
const MAX_KEY_CHARS = 200

/** The repository of an app: its own, else the common one; null when neither is set. */
export function repositoryOf(app: string, { repository, repositories = {} }: DeploymentPrOptions): string | null {
  return (Object.hasOwn(repositories, app) ? repositories[app] : repository) ?? null
}

/**
 * The output for a deployment, which has no secrets any more; the same bytes for the same event and
 * options.
 */
export function deploymentPullRequest(
  event: DeploymentEvent,
  { repository, ...options }: DeploymentPrOptions & { repository: string },
): PullRequestOutput {
  const { app_name: app, environment, variant_name, deployment_id } = event.data
  const project = event.project_id
  const file = fill(options.path ?? DEFAULT_OPTIONS.path, {
    app: safePart(app),
    environment: safePart(environment),
    project: safePart(project || 'default'),
  })
  const line = (text: string) => plainLine(text, MAX_NAME_CHARS)
  const names = { app: line(app), environment: line(environment), variant: line(variant_name || 'a variant') }
  const order = orderOf(event)
  return {
    kind: 'pull_request',
    repository,
    ...(options.base === undefined ? {} : { base: options.base }),
    branch: branchName(app, deployment_id),
    title: fill(options.title ?? DEFAULT_OPTIONS.title, names)
      .slice(0, MAX_TITLE_CHARS)
      .toWellFormed(),
    body: pullRequestBody(event, file),
    note: deploymentNote(event),
    commitMessage: `Deploy ${names.variant} to ${names.environment}`,
    changes: [{ path: file, content: deploymentFile(event) }],
    labels: (options.labels ?? DEFAULT_OPTIONS.labels)
      .map((label) => fill(label, names).slice(0, MAX_LABEL_CHARS).toWellFormed())
      .filter((label) => label !== ''),
    key: shortened(deploymentKey(deployment_id), MAX_KEY_CHARS),
    series: shortened(['deploy', ...(project ? [project] : []), app, environment].join(':'), MAX_KEY_CHARS),
    ...(order === null ? {} : { order }),
    onOpenPullRequest: options.onOpenPullRequest ?? DEFAULT_OPTIONS.onOpenPullRequest,
  }
}

/**
 * When the deployment was, in milliseconds. The times of Signalbox's events are whole seconds,
 * so `sequence` orders those of one second, as the fraction. It cannot be the order itself, because
 * each project counts its own and other senders have none.
 */
function orderOf({ timestamp, data: { sequence } }: DeploymentEvent): number | null {
  const at = Date.parse(timestamp)
  if (Number.isNaN(at)) return null
  return typeof sequence === 'number' ? Math.floor(at / 1000) * 1000 + (Math.abs(sequence) % 1_000_000) / 1000 : at
}
