// `signalbox jobs cancel`, `retry` and `priority`: of one job, or of many at once.
import type { ChangedJobs, JobCause, JobDetail, JobSelection } from '@signalbox/sdk'
import type { Command } from 'commander'
import { CommanderError, InvalidArgumentError, Option } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { EXIT } from './exit-code.ts'
import { onConflict } from './failure.ts'
import { statusText } from './job-status.ts'
import { parseTime } from './since.ts'
import type { Cli } from './terminal.ts'
import { count, inline } from './text.ts'

const ID = '6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61'
const CAUSES: Record<JobCause | 'ours', true> = {
  ours: true,
  error: true,
  crash: true,
  lost: true,
  limit: true,
  refused: true,
  outside: true,
  'by hand': true,
}

type Unfinished = 'pending' | 'running' | 'waiting'
type ManyOptions = ServerOptions & {
  rule?: string
  type?: string
  agent?: string
  source?: string
  since?: string
  until?: string
  dryRun?: boolean
}

/** `--cause`: why they have failed; `ours` is every fault of this installation. */
export function causeOption(): Option {
  return new Option(
    '--cause <cause>',
    'only those that failed because of this; "ours": error, crash, lost or limit',
  ).choices(Object.keys(CAUSES))
}

/** Adds `jobs cancel`, `retry` and `priority`. */
export function addChanges(jobs: Command, cli: Cli): void {
  addCancel(jobs, cli)
  addRetry(jobs, cli)
  addPriority(jobs, cli)
}

function addCancel(jobs: Command, cli: Cli): void {
  type Options = ManyOptions & { status?: Unfinished[] }
  withMany(jobs.command('cancel [job-id]'), 'made')
    .description('cancel a job, or all that are chosen; a running agent is stopped')
    .addOption(unfinishedOption())
    .addHelpText(
      'after',
      `\nExamples:\n  $ signalbox jobs cancel ${ID}\n  $ signalbox jobs cancel --rule code-review --status pending --dry-run`,
    )
    .action(async (id: string | undefined, { server, status, ...options }: Options) => {
      const client = clientOf(cli, { server })
      if (isMany(id, { ...options, status })) {
        return printChanged(cli, await client.jobs.cancelMany({ ...selectionOf(options), status }), 'cancelled')
      }
      const job = await onConflict(`See how it ended: signalbox jobs show ${inline(id)}`, client.jobs.cancel(id))
      cli.print(job, () => `The job is ${statusText(job)}.`)
    })
}

function addRetry(jobs: Command, cli: Cli): void {
  type Options = ManyOptions & {
    status?: ('failed' | 'cancelled')[]
    cause?: JobCause | 'ours'
    fromStart?: boolean
    fromStep?: string
  }
  withMany(jobs.command('retry [job-id]'), 'ended')
    .description('run a failed or cancelled job again, from its last step, or all that are chosen')
    .addOption(
      new Option('--from-start', 'forget its steps and what was not published, and run the agent again').conflicts(
        'fromStep',
      ),
    )
    .option('--from-step <name>', 'the same, but keep what it did before this step had finished')
    .addOption(
      new Option('--status <statuses...>', 'what became of them (default: failed)').choices(['failed', 'cancelled']),
    )
    .addOption(causeOption())
    .addHelpText(
      'after',
      `
What was published stays: an output with the same key is found and not written again.
What it has used of its budget stays used.

Examples:
  $ signalbox jobs retry ${ID}
  $ signalbox jobs retry ${ID} --from-step plan
  $ signalbox jobs retry --status failed --rule code-review --since 2h --dry-run`,
    )
    .action(
      async (id: string | undefined, { server, status, cause, fromStart = false, fromStep, ...options }: Options) => {
        const client = clientOf(cli, { server })
        if (isMany(id, { ...options, status, cause })) {
          if (fromStep !== undefined) throw usage('--from-step is for one job: name it.')
          const which = { ...selectionOf(options), status, cause, from_start: fromStart }
          return printChanged(cli, await client.jobs.retryMany(which), 'pending again')
        }
        const asked = client.jobs.retry(id, { fromStart, fromStep })
        const job = await onConflict(`See what became of it: signalbox jobs show ${inline(id)}`, asked)
        cli.print(job, () => retryText(job, fromStart || fromStep !== undefined))
      },
    )
}

function addPriority(jobs: Command, cli: Cli): void {
  type Options = ManyOptions & { status?: Unfinished[] }
  withMany(jobs.command('priority [job-id] [priority]'), 'made')
    .description('begin a job before others, or after them: 10 first, 1 last; without an id, all that are chosen')
    .addOption(unfinishedOption())
    .addHelpText(
      'after',
      `\nExamples:\n  $ signalbox jobs priority ${ID} 9\n  $ signalbox jobs priority 2 --rule code-review --status pending`,
    )
    .action(async (first: string | undefined, second: string | undefined, { server, status, ...options }: Options) => {
      const client = clientOf(cli, { server })
      const id = second === undefined ? undefined : first
      const priority = parsePriority(second ?? first)
      if (isMany(id, { ...options, status })) {
        const which = { ...selectionOf(options), status, priority }
        return printChanged(cli, await client.jobs.prioritiseMany(which), `of priority ${priority}`)
      }
      const asked = client.jobs.prioritise(id, priority)
      const job = await onConflict(`See how it ended: signalbox jobs show ${inline(id)}`, asked)
      cli.print(job, () => `The job has priority ${job.priority}.`)
    })
}

function withMany(command: Command, when: 'made' | 'ended'): Command {
  return withServer(command)
    .option('--rule <name>', 'all of this rule')
    .option('--type <type>', 'all of this type')
    .option('--agent <name>', 'all of this agent')
    .option('--source <name>', 'all of the events of this source')
    .option(
      '--since <time>',
      `all that ${when === 'made' ? 'were made' : 'ended'} since: how long ago (2h, 3d), or a time`,
      parseTime,
    )
    .option('--until <time>', 'and until when (default: now)', parseTime)
    .option('--dry-run', 'only count them')
}

function unfinishedOption(): Option {
  return new Option('--status <statuses...>', 'what they do now (default: all that have not ended)').choices([
    'pending',
    'running',
    'waiting',
  ])
}

/** Whether many are chosen. An id and a choice contradict each other, and neither is too little. */
function isMany(
  id: string | undefined,
  { status, dryRun, ...by }: Record<string, unknown> & { status?: unknown; dryRun?: unknown },
): id is undefined {
  const isGiven = (values: unknown[]) => values.some((value) => value !== undefined)
  const isChosen = isGiven(Object.values(by))
  if (id !== undefined && (isChosen || isGiven([status, dryRun])))
    throw usage('Give either the id of one job, or options that choose many.')
  if (id === undefined && !isChosen)
    throw usage('Give the id of a job, or choose many by --rule, --type, --agent, --source, --since or --until.')
  return id === undefined
}

function selectionOf({ rule, type, agent, source, since, until, dryRun }: ManyOptions): JobSelection {
  return { rule, type, agent, source, since, until, dry_run: dryRun }
}

function parsePriority(value: string | undefined): number {
  if (value !== undefined && /^(?:[1-9]|10)$/.test(value)) return Number(value)
  throw new InvalidArgumentError('The priority must be a number from 1 to 10; 10 is begun first.')
}

function usage(detail: string): CommanderError {
  return new CommanderError(EXIT.usage, 'usage', detail)
}

function printChanged(cli: Cli, changed: ChangedJobs, became: string): void {
  cli.print(changed, () => {
    const { count: number, more, by_rule: rules, dry_run: isDry } = changed
    if (number === 0) return '0 jobs: none is chosen by that.'
    const verb = isDry ? 'would be' : number === 1 ? 'is' : 'are'
    const each = Object.entries(rules).map(([rule, n]) => `  ${inline(rule)}: ${n}`)
    const rest = more ? ['There are more: run it again for them.'] : []
    return [`${count(number, 'job')} ${verb} ${became}:`, ...each, ...rest].join('\n')
  })
}

function retryText(job: JobDetail, isAnew: boolean): string {
  const lines = [`The job is ${job.status}.`]
  if (job.waits_for !== null) lines.push(job.waits_for)
  if (!isAnew && job.ran_at !== null) {
    lines.push(
      'Its agent has run and does not run again: what it returned is published.',
      `To run it again: signalbox jobs retry ${job.id} --from-start`,
    )
  }
  const published = isAnew ? job.outputs.filter(({ status }) => status === 'published') : []
  if (published.length > 0) {
    const where = published.map(({ kind, receipt }) => `  ${receipt?.url ?? `${kind}, nothing to change`}`)
    lines.push('This was published already and stays; an output with the same key is not written again:', ...where)
  }
  return lines.join('\n')
}
