// `signalbox deployments`: what went live where, and what became of its pull request.
import type { DeploymentDetail, DeploymentSummary } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import { redactor } from '../untrusted/redact.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { changeLines } from './config-changes.ts'
import { pullRequestText } from './deploy-outcome.ts'
import { Unsuccessful } from './failure.ts'
import { withId } from './id.ts'
import type { PageOptions } from './page.ts'
import { printPage, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields, table } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, count, indent, inOneLine } from './text.ts'
import type { Timeout } from './wait.ts'
import { progressText, requireCompleted, waitForJobs, withTimeout } from './wait.ts'

type PullRequest = DeploymentSummary['pull_requests'][number]

const COLUMNS: readonly Column<DeploymentSummary>[] = [
  { title: 'ID', value: ({ deployment_id: id }) => id, short: (id) => shortId(id.replace(/^deploy_/, '')) },
  { title: 'AGE', value: ({ created_at: at }) => age(at) },
  { title: 'APP', value: ({ app_name: app }) => app, shrinks: true },
  { title: 'ENVIRONMENT', value: ({ environment }) => environment, shrinks: true },
  { title: 'NO', value: ({ sequence }) => sequence },
  { title: 'BY', value: ({ deployed_by: by }) => by, shrinks: true },
  { title: 'PULL REQUEST', value: ({ pull_requests: pulls }) => pulls.map(shortPullRequest).join(', '), shrinks: true },
]

const JOBS: readonly Column<DeploymentDetail['jobs'][number]>[] = [
  { title: 'JOB', value: ({ id }) => id },
  { title: 'TYPE', value: ({ job_type: type }) => type, shrinks: true },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'ERROR', value: ({ error }) => error && inOneLine(error), shrinks: true },
]

function shortPullRequest({ repository, number, state }: PullRequest): string {
  return `${repository}#${number} ${state}`
}

function detailText(cli: Cli, deployment: DeploymentDetail): string {
  const changes = changeLines(deployment.config_diff)
  const width = cli.columns === undefined ? undefined : cli.columns - 2
  const section = (title: string, text: string) => `\n${cli.paint('bold', title)}\n${indent(text)}`
  return [
    fields([
      ['deployment', deployment.deployment_id],
      ['app', deployment.app_name],
      ['environment', deployment.environment],
      ['project', deployment.project_id],
      ['number', deployment.sequence],
      ['variant', deployment.variant_name],
      ['revision', deployment.revision],
      ['config', deployment.config_sha256],
      ['message', deployment.commit_message],
      ['deployed by', deployment.deployed_by],
      ['deployed', deployment.created_at],
      ['previous', deployment.previous_deployment_id],
      ['event', deployment.event_id],
      ...deployment.pull_requests.flatMap((pull) => [
        ['pull request', `#${pull.number} ${pullRequestText(pull)}`] as const,
        ['state', pull.state] as const,
        ['merged', pull.merged_at] as const,
      ]),
      ...deployment.checks.map(
        ({ name, conclusion, url }) => ['check', `${name}: ${conclusion ?? 'running'} ${url}`] as const,
      ),
      ...(deployment.pull_requests.length === 0 ? [['no pull request', whyNone(deployment)] as const] : []),
    ]),
    section('Changes', changes.length === 0 ? 'The configuration is the same as before.' : changes.join('\n')),
    ...(deployment.jobs.length === 0 ? [] : [section('Jobs', table(JOBS, deployment.jobs, width))]),
  ].join('\n')
}

function whyNone({ jobs, reason }: DeploymentDetail): string {
  const ended = ['completed', 'failed', 'cancelled']
  if (jobs.some(({ status }) => !ended.includes(status))) return 'a job has not ended yet'
  const errors = jobs.flatMap(({ error }) => (error === null ? [] : [inOneLine(error)]))
  if (errors.length > 0) return errors.join('; ')
  return jobs.length > 0 ? 'no job has opened one' : (reason ?? 'no job was made of it')
}

type Which = { app?: string; env?: string; project?: string }

function withWhich(command: Command): Command {
  return command
    .option('--app <name>', 'only of this application')
    .option('--env <name>', 'only in this environment')
    .option('--project <id>', 'only of this project')
}

/** Adds `deployments ls`, `show` and `drift`. */
export function addDeployments(deployments: Command, cli: Cli): void {
  withWhich(withPaging(deployments.command('ls')))
    .description('list deployments, newest first, with their pull requests')
    .addHelpText('after', '\nExample:\n  $ signalbox deployments ls --app customer-support-bot --env production')
    .action(async ({ server, env, ...query }: PageOptions & Which) => {
      const page = await clientOf(cli, { server }).deployments.list({ ...query, environment: env })
      printPage(cli, page, 'such deployments', COLUMNS)
    })
  withId(withServer(deployments.command('show')), 'deployment')
    .description('show one deployment with its changes, its jobs and its pull request, or why there is none')
    .addHelpText('after', '\nExample:\n  $ signalbox deployments show 01934e00')
    .action(async (id: string, options: ServerOptions) => {
      const found = await clientOf(cli, options).deployments.get(id)
      // What is printed ends up in the logs of a CI service.
      const deployment = redactor([found]).value(found) as DeploymentDetail
      cli.print(deployment, () => detailText(cli, deployment))
    })
  withWhich(withTimeout(withServer(deployments.command('drift'))))
    .description('look whether the files in repositories are what was deployed last; exit code 1 if one is not')
    .addHelpText('after', '\nExample:\n  $ signalbox deployments drift --env production')
    .action((options: DriftOptions) => printDrift(cli, options))
}

type DriftOptions = ServerOptions & Which & { timeout: Timeout }
type Drift = { checked: number; drifted: number; files: DriftFile[] }
type DriftFile = { deployment_id: string; app_name: string; environment: string } & {
  repository: string | null
  path: string | null
  state: string
  file: string | null
}

const DRIFT: readonly Column<DriftFile>[] = [
  { title: 'APP', value: ({ app_name: app }) => app, shrinks: true },
  { title: 'ENVIRONMENT', value: ({ environment }) => environment, shrinks: true },
  { title: 'STATE', value: ({ state, file }) => (file === null ? state : `${state}: ${file}`) },
  { title: 'REPOSITORY', value: ({ repository }) => repository, shrinks: true },
  { title: 'FILE', value: ({ path }) => path, shrinks: true },
]

async function printDrift(cli: Cli, { server, app, env, project, timeout }: DriftOptions): Promise<void> {
  const client = clientOf(cli, { server })
  const asked = Object.entries({ app, environment: env, project }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const { jobs: ids } = await client.trigger('deployment-drift', Object.fromEntries(asked))
  const quiet = { ...cli, out: () => {} }
  const jobs = await waitForJobs(quiet, client, ids, { timeout })
  const drift = jobs[0]?.result as Drift | null | undefined
  if (jobs[0]?.status !== 'completed' || !Array.isArray(drift?.files)) {
    cli.print(jobs, () => jobs.map(progressText).join('\n'))
    return requireCompleted(jobs)
  }
  cli.print(drift, () => (drift.files.length === 0 ? 'There are no such deployments.' : driftText(cli, drift)))
  if (drift.drifted > 0) throw new Unsuccessful()
}

function driftText(cli: Cli, { checked, drifted, files }: Drift): string {
  const said = drifted === 0 ? 'No file has drifted.' : `${count(drifted, 'file')} not as deployed.`
  return [table(DRIFT, files, cli.columns), ...(checked > files.length ? ['…'] : []), said].join('\n')
}
