// `signalbox deploy`: records that a configuration went live.
import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import type { DeploymentInput, RecordedDeployment, SignalboxClient } from '@signalbox/sdk'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { redactor } from '../untrusted/redact.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { changeLines } from './config-changes.ts'
import type { Followers } from './deploy-outcome.ts'
import { followersOf, outcomeLines, settledFollowersOf } from './deploy-outcome.ts'
import { onConflict } from './failure.ts'
import { readJsonFile } from './json-file.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'
import { indent } from './text.ts'
import type { Timeout, WaitOptions } from './wait.ts'
import { DEFAULT_TIMEOUT, parseTime, requireCompleted, waitForJobs } from './wait.ts'

const SHORT_TIMEOUT: Timeout = { text: '20s', ms: 20_000 }
const UNKNOWN = 'What follows is not known, because the server did not answer: see signalbox jobs ls.'

type DeployOptions = ServerOptions &
  Partial<WaitOptions> & {
    app: string
    env: string
    config: string
    project: string
    variant: string
    variantId?: string
    revision?: number
    message?: string
    by?: string
    idempotencyKey?: string
  }

function parseRevision(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new InvalidArgumentError('It must be a whole number.')
}

/** Who deploys when nobody is named: git's user, else the account's. */
function deployer({ env, folder }: Pick<Cli, 'env' | 'folder'>): string {
  const { stdout } = spawnSync('git', ['config', 'user.email'], { cwd: folder, encoding: 'utf8' })
  return stdout?.trim() || env.USER || userInfo().username
}

function changesText(deployment: RecordedDeployment): string {
  const lines = changeLines(deployment.config_diff)
  if (lines.length === 0) return 'The configuration is the same as before.'
  const title = deployment.sequence === 1 ? 'The first configuration there:' : 'Changed:'
  return `${title}\n${indent(lines.join('\n'))}`
}

/** What followed, in a line each, or why nothing did. */
async function followersText(
  client: SignalboxClient,
  deployment: RecordedDeployment,
  followed: Followers,
): Promise<string> {
  const { jobs, deliveries } = followed
  return jobs.length + deliveries.length === 0
    ? (await outcomeLines(client, deployment, followed)).lines.join('\n')
    : fields([
        ...jobs.map((job) => ['job', `${job.id} ${job.job_type} (${job.status})`] as const),
        ...deliveries.map((one) => ['delivery', `${one.id} ${one.endpoint_name} (${one.status})`] as const),
      ])
}

async function deploy(cli: Cli, options: DeployOptions): Promise<void> {
  // The server says what is wrong with a configuration that is not an object.
  const config = (await readJsonFile(cli, options.config)) as DeploymentInput['config']
  const client = clientOf(cli, options)
  const asked = client.deploy(
    {
      project_id: options.project,
      app_name: options.app,
      variant_name: options.variant,
      variant_id: options.variantId,
      environment: options.env,
      revision: options.revision,
      config,
      commit_message: options.message,
      deployed_by: options.by ?? deployer(cli),
    },
    { idempotencyKey: options.idempotencyKey },
  )
  const recorded = await onConflict('Give another deployment another --idempotency-key.', asked)
  // What is printed ends up in the logs of a CI service.
  const hidden = redactor([config, recorded])
  const deployment = hidden.value(recorded) as RecordedDeployment
  if (options.wait === true) return waitForAll(cli, client, { options, deployment })
  const waitMs = options.wait === false ? 0 : (options.timeout ?? SHORT_TIMEOUT).ms
  if (!cli.json()) cli.out(`${deployedText(options, deployment)}\n\n`)
  // The deployment is recorded, also where the server does not say what followed.
  const outcome = await outcomeOf(client, deployment, waitMs).catch(() => null)
  const { lines, ...followed } = outcome ?? { lines: [UNKNOWN] }
  cli.print({ ...deployment, ...followed }, () => lines.map(hidden.text).join('\n'))
}

async function outcomeOf(client: SignalboxClient, deployment: RecordedDeployment, waitMs: number) {
  const followers = await settledFollowersOf(client, deployment.event_id, waitMs)
  const { lines, pullRequests } = await outcomeLines(client, deployment, followers)
  return { ...followers, lines, pull_requests: pullRequests, pull_request_urls: pullRequests.map(({ url }) => url) }
}

/** Waits until all jobs have ended, and fails when one did not complete. */
async function waitForAll(
  cli: Cli,
  client: SignalboxClient,
  { options, deployment }: { options: DeployOptions; deployment: RecordedDeployment },
): Promise<void> {
  const followed = await followersOf(client, deployment.event_id)
  if (!cli.json()) {
    const followers = await followersText(client, deployment, followed)
    cli.out(`${deployedText(options, deployment)}\n\n${followers}\n`)
  }
  const ids = followed.jobs.map(({ id }) => id)
  const ended = await waitForJobs(cli, client, ids, { timeout: options.timeout ?? DEFAULT_TIMEOUT })
  if (cli.json()) cli.print({ ...deployment, ...(await followersOf(client, deployment.event_id)) }, () => '')
  requireCompleted(ended)
}

function deployedText(options: DeployOptions, deployment: RecordedDeployment): string {
  return [
    deployment.duplicate
      ? `${options.app} was deployed to ${options.env} under this idempotency key before.`
      : `${options.app} is deployed to ${options.env}, as number ${deployment.sequence}.`,
    fields([
      ['deployment', deployment.deployment_id],
      ['event', deployment.event_id],
    ]),
    '',
    changesText(deployment),
  ].join('\n')
}

/** Completes `deploy`. */
export function addDeploy(command: Command, cli: Cli): void {
  withServer(command)
    .requiredOption('--app <name>', 'the application')
    .requiredOption('--env <name>', 'where it went live')
    .requiredOption('--config <file>', 'the configuration: a JSON file, or - for standard input')
    .option('--project <id>', 'the project', 'default')
    .option('--variant <name>', 'the variant', 'default')
    .option('--variant-id <id>', 'the id of the variant (default: made from the application)')
    .option('--revision <number>', 'its revision (default: counted here)', parseRevision)
    .option('--message <text>', 'why')
    .option('--by <who>', "who did it (default: git's user.email, else your account)")
    .option('--idempotency-key <key>', 'repeating the command with the same key changes nothing')
    .option('--wait', 'wait until all jobs have ended; exit code 1 if one does not complete')
    .option('--no-wait', 'do not wait to see what comes of it')
    .option(
      '--timeout <time>',
      'wait at most so long, such as 30s, 10m or 1h (default: 20s, with --wait 15m)',
      parseTime,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox deploy --app customer-support-bot --env production --config config.json --message "Shorter answers"\n' +
        '  $ signalbox deploy --app customer-support-bot --env production --config config.json --wait --timeout 10m',
    )
    .action((options: DeployOptions) => deploy(cli, options))
}
