// What a deployment calls for: a pull request, or a reason for none. Shared by the agent and the
// webhook handler, so it knows nothing of jobs.
import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import { deploymentEvent, hasFailed } from '../../descriptions/deployment-event.ts'
import { GiveUp } from '../../lib/error.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import { deploymentPullRequest } from './deployment-pull-request.ts'
import type { DeploymentPrOptions } from './options.ts'
import { repositoryOf } from './options.ts'
import { redactedEvent } from './redacted-event.ts'

/**
 * Changes the output before it is published, or returns null for none: other texts, checks of your
 * own.
 */
type Customise = (output: PullRequestOutput, event: DeploymentEvent) => PullRequestOutput | null

/** Options of the agent; a rule's `with` overrides them one by one. */
export type DeploymentPrDefaults = DeploymentPrOptions & { customise?: Customise }

/**
 * The pull request, the reason why there is to be none, or what is missing to open one: who asks
 * knows where that is set. Nothing in it has a secret, nor has the event.
 */
export type Answer = { event: DeploymentEvent } & (
  | { output: PullRequestOutput }
  | { skipped: string }
  | { missing: 'repository' }
)

/**
 * What a deployment calls for.
 * @throws GiveUp when the payload is not a deployment.
 */
export function answerDeployment(payload: unknown, { customise, ...options }: DeploymentPrDefaults): Answer {
  const parsed = deploymentEvent.safeParse(payload, PARSING)
  if (!parsed.success) {
    throw new GiveUp(describe(parsed.error, { root: 'the payload', intro: 'The payload is not a deployment event:' }))
  }
  const { project_id, data } = parsed.data
  const event = redactedEvent(parsed.data)
  if (hasFailed(parsed.data)) return { event, skipped: 'The deployment failed, so it gets no pull request.' }
  if (options.environments !== undefined && !options.environments.includes(data.environment)) {
    return { event, skipped: `Deployments to ${event.data.environment} get no pull request.` }
  }
  const repository = repositoryOf({ app: data.app_name, project: project_id || null }, options)
  if (repository === null) return { event, missing: 'repository' }
  const standard = deploymentPullRequest(event, { ...options, repository })
  const output = customise === undefined ? standard : customised(standard, customise(standard, event))
  return output === null ? { event, skipped: 'The configuration asked for no pull request.' } : { event, output }
}

/** Texts of one's own are not replaced by those that the templates make of several deployments. */
function customised(standard: PullRequestOutput, output: PullRequestOutput | null): PullRequestOutput | null {
  if (output === null || (output.title === standard.title && output.body === standard.body)) return output
  if (output.combined !== standard.combined) return output
  const { combined: _, ...rest } = output
  return rest
}
