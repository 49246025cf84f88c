// `signalbox jobs`: the work, and what may be done to it by hand.
import type { Command } from 'commander'
import { Option } from 'commander'
import { jobStatus } from '../jobs/wire.ts'
import type { Page, Row } from './api-client.ts'
import { serverOf, withServer } from './api-client.ts'
import type { PageOptions } from './page.ts'
import { printPage, withPaging } from './page.ts'
import type { Cli } from './terminal.ts'
import type { Column } from './text.ts'
import { age, fields, indent, inline, plain, table } from './text.ts'

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', value: (row) => inline(row.id) },
  { title: 'AGE', value: (row) => age(row.created_at) },
  { title: 'TYPE', value: (row) => inline(row.job_type), shrinks: true },
  { title: 'STATUS', value: (row) => inline(row.status) },
  { title: 'TRY', value: (row) => `${inline(row.attempt)}/${inline(row.max_attempts)}` },
  { title: 'RULE', value: (row) => inline(row.rule), shrinks: true },
  { title: 'ERROR', value: (row) => inline(row.error), shrinks: true },
]

function took(row: Row): string {
  const [from, to] = [Date.parse(inline(row.started_at)), Date.parse(inline(row.finished_at))]
  return Number.isNaN(to - from) ? '' : `${((to - from) / 1000).toFixed(1)}s`
}

const ATTEMPTS: readonly Column<Row>[] = [
  { title: 'TRY', value: (row) => inline(row.attempt) },
  { title: 'OUTCOME', value: (row) => inline(row.outcome) || 'running' },
  { title: 'STARTED', value: (row) => inline(row.started_at) },
  { title: 'TOOK', value: took },
  { title: 'ERROR', value: (row) => inline(row.error), shrinks: true },
]
const STEPS: readonly Column<Row>[] = [
  { title: 'STEP', value: (row) => inline(row.name) },
  { title: 'TRY', value: (row) => inline(row.attempt) },
  { title: 'FINISHED', value: (row) => inline(row.finished_at) },
  { title: 'RESULT', value: (row) => inline(row.result), shrinks: true },
]
const OUTPUTS: readonly Column<Row>[] = [
  { title: 'OUTPUT', value: (row) => inline(row.kind) },
  { title: 'STATUS', value: (row) => inline(row.status) },
  { title: 'WHERE', value: (row) => inline((row.receipt as Row | null)?.url) || inline(row.reason) },
]

function rowsOf(value: unknown): Row[] {
  return Array.isArray(value) ? value : []
}

function logText(lines: readonly Row[]): string {
  return lines.map(({ at, stream, line }) => `${inline(at)} ${inline(stream)}  ${plain(String(line))}`).join('\n')
}

function jobText(cli: Cli, job: Row): string {
  const section = (title: string, rows: unknown, text: (rows: Row[]) => string): string[] =>
    rowsOf(rows).length === 0 ? [] : [`\n${cli.paint('bold', title)}\n${indent(text(rowsOf(rows)))}`]
  const width = cli.columns === undefined ? undefined : cli.columns - 2
  return [
    fields([
      ['job', inline(job.id)],
      ['type', inline(job.job_type)],
      ['status', inline(job.status)],
      ['error', inline(job.error)],
      ['agent', inline(job.assigned_agent)],
      ['rule', inline(job.rule)],
      ['event', inline(job.event_id)],
      ['group', inline(job.group)],
      ['priority', inline(job.priority)],
      ['created', inline(job.created_at)],
      ['started', inline(job.started_at)],
      ['completed', inline(job.completed_at)],
      ['result', inline(job.result)],
    ]),
    ...section('Attempts', job.attempts, (rows) => table(ATTEMPTS, rows, width)),
    ...section('Steps', job.steps, (rows) => table(STEPS, rows, width)),
    ...section('Outputs', job.outputs, (rows) => table(OUTPUTS, rows)),
    ...section('Log', job.log, logText),
  ].join('\n')
}

type ListOptions = PageOptions & { status?: string; type?: string; agent?: string; event?: string }

/** Adds `jobs ls`, `show`, `cancel` and `retry`. */
export function addJobs(program: Command, cli: Cli): void {
  const jobs = program.command('jobs').description('the work: see it, call it off, try it again')
  withPaging(jobs.command('ls'))
    .description('list jobs, newest first')
    .addOption(new Option('--status <status>', 'only these').choices(jobStatus.options))
    .option('--type <type>', 'only of this type')
    .option('--agent <name>', 'only of this agent')
    .option('--event <event-id>', 'only those this event caused')
    .addHelpText('after', '\nExample:\n  $ signalbox jobs ls --status failed')
    .action(async ({ server, event, ...query }: ListOptions) => {
      const page = await serverOf(cli, { server }).get<Page>('api/jobs', { ...query, event_id: event })
      printPage(cli, page, 'such jobs', COLUMNS)
    })
  withServer(jobs.command('show <job-id>'))
    .description('show one job with its attempts, steps, outputs and log')
    .addHelpText('after', '\nExample:\n  $ signalbox jobs show 6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61')
    .action(async (id: string, options: { server?: string }) => {
      const job = await serverOf(cli, options).get(`api/jobs/${encodeURIComponent(id)}`)
      cli.print(job, () => jobText(cli, job))
    })
  const change = (verb: string, description: string, done: string) =>
    withServer(jobs.command(`${verb} <job-id>`))
      .description(description)
      .addHelpText('after', `\nExample:\n  $ signalbox jobs ${verb} 6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61`)
      .action(async (id: string, options: { server?: string }) => {
        const job = await serverOf(cli, options).post(`api/jobs/${encodeURIComponent(id)}/${verb}`)
        cli.print(job, () => `${done} It is ${inline(job.status)}.`)
      })
  change('cancel', 'call a job off; a running agent is stopped', 'The job is called off.')
  change('retry', 'try a failed or cancelled job again, from its last finished step', 'The job is tried again.')
}
