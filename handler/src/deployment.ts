// From a webhook to its pull request.

import type { Answer } from '../../src/agents/deployment-pr/answer.ts'
import { answerWithOwnFile } from '../../src/agents/deployment-pr/file-owner.ts'
import type { ConfigProblem } from '../../src/agents/deployment-pr/schema.ts'
import { bySchema, problemsOf, validationCheck, withoutAutoMerge } from '../../src/agents/deployment-pr/validation.ts'
import type { DeploymentEvent } from '../../src/descriptions/deployment-event.ts'
import type { Forges } from '../../src/forges/forges.ts'
import { AppError, GiveUp } from '../../src/lib/error.ts'
import type { Receipt } from '../../src/publisher/output.ts'
import { parseOutputs } from '../../src/publisher/output.ts'
import { publish } from '../../src/publisher/publish.ts'
import type { PullRequestOutput } from '../../src/publisher/pull-request-output.ts'
import { creating, detected, published, received, skipped, validated } from './log-lines.ts'
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
  const deployment = await readDeployment(webhook.deployment, settings)
  if ('skipped' in deployment) {
    log(...skipped(deployment))
    return { received: true }
  }
  if (forges === null) throw new AppError('forge_failed', NOT_CONFIGURED)
  const problems = await validate(forges, webhook.deployment, { deployment, settings })
  const output = withoutAutoMerge(deployment.output, problems ?? [])
  const receipt = await openPullRequest(forges, { ...deployment, output }, settings)
  log(...published(receipt))
  if (problems === null) return { received: true, ...summary(receipt) }
  await writeCheck(forges, { deployment, receipt, problems }, settings)
  log(...validated(problems))
  return { received: true, ...summary(receipt), config_valid: problems.length === 0 }
}

async function readDeployment(
  payload: unknown,
  { deployment, forges }: Settings,
): Promise<Deployment | { skipped: string }> {
  const answer = await answered(payload, deployment, forges)
  if (!('missing' in answer)) return answer
  if (forges === null) throw new AppError('forge_failed', NOT_CONFIGURED)
  const remedy = 'set GITHUB_REPO (github.repository), or name the app in repositories.'
  throw new AppError('forge_failed', `No repository is configured for ${answer.event.data.app_name}: ${remedy}`)
}

async function answered(payload: unknown, options: Settings['deployment'], forges: Forges | null): Promise<Answer> {
  try {
    return await answerWithOwnFile(payload, options, forges && ((name) => forges.of(name)))
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
  const changeSet = { ...output, base: output.base ?? (await forge.defaultBranch(path)) }
  log(...creating(changeSet))
  return publish(forges, changeSet, { id: authorOf(event), policy })
}

function authorOf({ delivery_id, data }: DeploymentEvent): string {
  return delivery_id ?? data.deployment_id
}

/** What is wrong with the configuration; null where that was not asked. */
async function validate(
  forges: Forges,
  payload: unknown,
  { deployment: { output }, settings }: { deployment: Deployment; settings: Settings },
): Promise<ConfigProblem[] | null> {
  const { validate: asked } = settings.deployment
  if (asked === undefined) return null
  const { forge, path } = forges.of(output.repository)
  return problemsOf(payload, bySchema(asked, { forge, repository: path, base: output.base }))
}

type Validated = { deployment: Deployment; receipt: Receipt | null; problems: readonly ConfigProblem[] }

async function writeCheck(
  forges: Forges,
  { deployment: { event, output }, receipt, problems }: Validated,
  { policy }: Settings,
): Promise<void> {
  if (receipt?.sha === undefined) return
  const check = validationCheck(problems, { repository: output.repository, commit: receipt.sha })
  await publish(forges, check, { id: authorOf(event), policy })
}

function summary(receipt: Receipt | null): object {
  if (receipt === null) return { pr_created: false }
  return { pr_created: true, pr_url: receipt.url, pr_number: receipt.number, branch: receipt.branch }
}
