// From a deployment event to the pull request that documents it. Pure.
import { pullRequestBody } from '../../descriptions/body.ts'
import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import { fill, lineValues, mapValues, titleOf, valuesOf } from '../../descriptions/template.ts'
import { deploymentKey } from '../../lib/deployment-key.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import { deploymentFile } from './deployment-file.ts'
import { deploymentNote } from './deployment-note.ts'
import { branchName, safePart, shortened } from './names.ts'
import type { DeploymentPrOptions } from './options.ts'
import { DEFAULT_OPTIONS } from './options.ts'

// GitHub's limit for a label.
const MAX_LABEL_CHARS = 50
const MAX_KEY_CHARS = 200

/**
 * The output for a deployment, which has no secrets any more; the same bytes for the same event and
 * options.
 */
export function deploymentPullRequest(
  event: DeploymentEvent,
  { repository, ...given }: DeploymentPrOptions & { repository: string },
): PullRequestOutput {
  const options = { ...DEFAULT_OPTIONS, ...withoutAbsent(given) } as DeploymentPrOptions & Defaults
  const { app_name: app, environment, deployment_id } = event.data
  const project = event.project_id || null
  const names = lineValues(event)
  const file = fill(options.path, mapValues(valuesOf(event), safePart))
  const order = orderOf(event)
  return {
    kind: 'pull_request',
    repository,
    ...(options.base === undefined ? {} : { base: options.base }),
    branch: branchName(options.branch, valuesOf(event)),
    title: titleOf(options.title, event),
    body: pullRequestBody(event, { template: given.body, file }),
    combined: { file, title: options.title, ...(given.body === undefined ? {} : { body: given.body }) },
    note: deploymentNote(event),
    commitMessage: `Deploy ${names.variant} to ${names.environment}`,
    changes: [{ path: file, content: deploymentFile(event) }],
    labels: options.labels
      .map((label) => fill(label, names).slice(0, MAX_LABEL_CHARS).toWellFormed())
      .filter((label) => label !== ''),
    ...handlingOf(options),
    key: shortened(deploymentKey(deployment_id, project), MAX_KEY_CHARS),
    series: shortened(
      ['deploy', ...(project === null ? [] : [project]), app, environment].map(seriesPart).join(':'),
      MAX_KEY_CHARS,
    ),
    ...(order === null ? {} : { order }),
    onOpenPullRequest: options.onOpenPullRequest,
  }
}

type Defaults = { [Name in keyof typeof DEFAULT_OPTIONS]: NonNullable<DeploymentPrOptions[Name]> }

type Present<Options> = { [Name in keyof Options]: Exclude<Options[Name], undefined> }

/** Without options that are there and say nothing, which would take the place of defaults. */
function withoutAbsent<Options extends object>(options: Options): Present<Options> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Present<Options>
}

function handlingOf(options: DeploymentPrOptions): Partial<PullRequestOutput> {
  const { reviewers, teamReviewers, assignees, draft, autoMerge } = options
  return withoutAbsent({ reviewers, teamReviewers, assignees, draft, autoMerge })
}

/** Without what ends a part, so that no two names make one series. */
function seriesPart(name: string): string {
  return name.replaceAll('%', '%25').replaceAll(':', '%3A')
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
