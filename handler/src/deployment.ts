// From a webhook to its pull request.

import { answerDeployment } from '../../src/agents/deployment-pr/answer.ts'
import type { DeploymentEvent } from '../../src/agents/deployment-pr/deployment-event.ts'
import { requireOwnFile } from '../../src/agents/deployment-pr/file-owner.ts'
import type { Forges } from '../../src/forges/forges.ts'
import { AppError, GiveUp } from '../../src/lib/error.ts'
import type { Receipt } from '../../src/publisher/output.ts'
import { parseOutputs } from '../../src/publisher/output.ts'
import { publish } from '../../src/publisher/publish.ts'
import type { PullRequestOutput } from '../../src/publisher/pull-request-output.ts'
import { creating, detected, published, received } from './log-lines.ts'
import type { Settings } from './options.ts'
import type { Webhook } from './webhook.ts'

const NOT_CONFIGURED = 'GitHub is not configured: set GITHUB_TOKEN and GITHUB_REPO.'

type Deployment = { event: DeploymentEvent; output: PullRequestOutput }

/**
 * Opens the pull request of a deployment, at most once, and returns what the sender is answered.
 * Every other event is received and nothing more.
 * @throws AppError `body_invalid` when the deployment cannot be read, `forge_failed` when GitHub or
 * the repository of its app is not configured, and what `publish` throws.
 */
export async function actOn(webhook: Webhook, settings: Settings): Promise<object> {
  const { forges, log } = settings
  log(...received(webhook))
  if (webhook.deployment === null) return { received: true }
  const deployment = readDeployment(webhook.deployment, settings)
  if ('skipped' in deployment) return { received: true }
  if (forges === null) throw new AppError('forge_failed', NOT_CONFIGURED)
  const receipt = await openPullRequest(forges, deployment, settings)
  log(...published(receipt))
  return { received: true, ...summary(receipt) }
}

function readDeployment(payload: unknown, { deployment, forges }: Settings): Deployment | { skipped: string } {
  const answer = answered(payload, deployment)
  if (!('missing' in answer)) return answer
  if (forges === null) throw new AppError('forge_failed', NOT_CONFIGURED)
  const remedy = 'set GITHUB_REPO (github.repository), or name the app in repositories.'
  throw new AppError('forge_failed', `No repository is configured for ${answer.event.data.app_name}: ${remedy}`)
}

function answered(payload: unknown, options: Settings['deployment']): ReturnType<typeof answerDeployment> {
  try {
    return answerDeployment(payload, options)
  } catch (error) {
    if (error instanceof GiveUp) throw new AppError('body_invalid', error.message)
    throw error
  }
}

async function openPullRequest(
  forges: Forges,
  { event, output }: Deployment,
  { policy, log }: Settings,
): Promise<Receipt | null> {
  // A `customise` option may have made anything of it.
  parseOutputs([output])
  log(...detected(event))
  const { forge, path } = forges.of(output.repository)
  await requireOwnFile(forge, path, { output, event })
  const changeSet = { ...output, base: output.base ?? (await forge.defaultBranch(path)) }
  log(...creating(changeSet))
  return publish(forges, changeSet, { id: event.delivery_id ?? event.data.deployment_id, policy })
}

function summary(receipt: Receipt | null): object {
  if (receipt === null) return { pr_created: false }
  return { pr_created: true, pr_url: receipt.url, pr_number: receipt.number, branch: receipt.branch }
}
