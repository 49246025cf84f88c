// `signalbox deploy`: records that a configuration went live.
import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import type {
  ConfigDiff,
  Delivery,
  DeploymentInput,
  JobSummary,
  Json,
  Page,
  RecordedDeployment,
  SignalboxClient,
} from '@signalbox/sdk'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { redactor } from '../untrusted/redact.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { onConflict } from './failure.ts'
import { readJsonFile } from './json-file.ts'
import { cut, fields } from './table.ts'
import type { Cli } from './terminal.ts'
import { count, indent, inline } from './text.ts'
import type { WaitOptions } from './wait.ts'
import { hasEnded, requireCompleted, waitForJobs, withWait } from './wait.ts'

const MAX_VALUE_CHARS = 60
const MAX_CHANGES = 20
const MADE = 'A job was made, and may still fail: see it with signalbox jobs show, or deploy with --wait.'
const UNKNOWN = 'What follows is not known, because the server did not answer: see signalbox jobs ls.'

type DeployOptions = ServerOptions &
  WaitOptions & {
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

function short(value: Json): string {
  return cut(inline(value === null ? 'null' : value), MAX_VALUE_CHARS)
}

/** What changed, one line a parameter: `temperature: 0.7 → 0.5`. */
function changeLines({ added, modified, removed }: ConfigDiff): string[] {
  const lines = [
    ...Object.entries(modified).map(
      ([key, { old, new: after }]) => `~ ${inline(key)}: ${short(old)} → ${short(after)}`,
    ),
    ...Object.entries(added).map(([key, value]) => `+ ${inline(key)}: ${short(value)}`),
    ...Object.entries(removed).map(([key, value]) => `- ${inline(key)}: ${short(value)}`),
  ]
  const left = lines.length - MAX_CHANGES
  return left > 0 ? [...lines.slice(0, MAX_CHANGES), `and ${count(left, 'more change')}`] : lines
}

function changesText(deployment: RecordedDeployment): string {
  const lines = changeLines(deployment.config_diff)
  if (lines.length === 0) return 'The configuration is the same as before.'
  const title = deployment.sequence === 1 ? 'The first configuration there:' : 'Changed:'
  return `${title}\n${indent(lines.join('\n'))}`
}

type Followers = { jobs: JobSummary[]; deliveries: Delivery[] }

/** What followed from the deployment's event. */
async function followers(client: SignalboxClient, eventId: string): Promise<Followers> {
  const [jobs, deliveries] = await Promise.all([
    allPages((cursor) => client.jobs.list({ event_id: eventId, cursor })),
    allPages((cursor) => client.deliveries.list({ event_id: eventId, cursor })),
  ])
  return { jobs, deliveries }
}

async function allPages<Row>(list: (cursor: string | undefined) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  let cursor: string | undefined
  do {
    const { items, next } = await list(cursor)
    rows.push(...items)
    cursor = next ?? undefined
  } while (cursor !== undefined)
  return rows
}

function followersText({ jobs, deliveries }: Followers): string {
  return jobs.length + deliveries.length === 0
    ? 'No rule and no endpoint asked for it.'
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
  const deployment = redactor([config, recorded]).value(recorded) as RecordedDeployment
  const following = followers(client, deployment.event_id)
  if (options.wait !== true) {
    // The deployment is recorded, also where the server does not say what followed.
    const followed = await following.catch(() => null)
    const more = followed === null || followed.jobs.every(hasEnded) ? '' : `\n${MADE}`
    return cli.print({ ...deployment, ...followed }, () => `${deployedText(options, deployment, followed)}${more}`)
  }
  const followed = await following
  if (!cli.json()) cli.out(`${deployedText(options, deployment, followed)}\n`)
  const ids = followed.jobs.map(({ id }) => id)
  const ended = await waitForJobs(cli, client, ids, options)
  if (cli.json()) cli.print({ ...deployment, ...(await followers(client, deployment.event_id)) }, () => '')
  requireCompleted(ended)
}

function deployedText(options: DeployOptions, deployment: RecordedDeployment, followed: Followers | null): string {
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
    '',
    followed === null ? UNKNOWN : followersText(followed),
  ].join('\n')
}

/** Completes `deploy`. */
export function addDeploy(command: Command, cli: Cli): void {
  withWait(withServer(command))
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
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox deploy --app customer-support-bot --env production --config config.json --message "Shorter answers"\n' +
        '  $ signalbox deploy --app customer-support-bot --env production --config config.json --wait --timeout 10m',
    )
    .action((options: DeployOptions) => deploy(cli, options))
}
