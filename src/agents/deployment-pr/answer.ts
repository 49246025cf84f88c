// What a deployment calls for: a pull request, or a reason for none. Shared by the agent and the
// webhook handler, so it knows nothing of jobs.
import { GiveUp } from '../../lib/error.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import type { DeploymentEvent } from './deployment-event.ts'
import { deploymentEvent } from './deployment-event.ts'
import { deploymentPullRequest, repositoryOf } from './deployment-pull-request.ts'
import type { DeploymentPrOptions } from './options.ts'
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
type Answer = { event: DeploymentEvent } & (
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
  const { app_name: app, environment } = parsed.data.data
  const event = redactedEvent(parsed.data)
  if (options.environments !== undefined && !options.environments.includes(environment)) {
    return { event, skipped: `Deployments to ${event.data.environment} get no pull request.` }
  }
  const repository = repositoryOf(app, options)
  if (repository === null) return { event, missing: 'repository' }
  const standard = deploymentPullRequest(event, { ...options, repository })
  const output = customise === undefined ? standard : customise(standard, event)
  return output === null ? { event, skipped: 'The configuration asked for no pull request.' } : { event, output }
}
