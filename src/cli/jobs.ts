// `signalbox jobs`: the work, and what may be done to it by hand.
import type {
  JobAnswer,
  JobAttempt,
  JobCause,
  JobDetail,
  JobLogLine,
  JobOutput,
  JobStatus,
  JobStep,
  JobSummary,
  JobWait,
  JobWrite,
  ModelCall,
} from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { onConflict } from './failure.ts'
import { withId } from './id.ts'
import { addChanges, causeOption } from './job-changes.ts'
import { logLineText, printLog } from './job-log.ts'
import { statusText } from './job-status.ts'
import { tokensText, usdText } from './model-text.ts'
import type { PageOptions } from './page.ts'
import { printPage, statusOption, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields, table } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, indent, inline, inOneLine, plain } from './text.ts'

const COLUMNS: readonly Column<JobSummary>[] = [
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'AGE', value: (job) => age(job.created_at) },
  { title: 'TYPE', value: (job) => job.job_type, shrinks: true },
  { title: 'STATUS', value: statusText },
  { title: 'FAILED', value: failuresText },
  { title: 'RULE', value: ({ rule }) => rule, shrinks: true },
  { title: 'WHY', value: ({ cause }) => cause },
  { title: 'ERROR', value: ({ error }) => error && inOneLine(error), shrinks: true },
]

/** How many attempts failed of those it has; what uses up none is counted apart. */
function failuresText({ failures, max_attempts: most, deferrals, losses }: JobSummary): string {
  return [
    `${failures}/${most}`,
    ...(deferrals > 0 ? [`put off ${deferrals}×`] : []),
    ...(losses > 0 ? [`lost ${losses}×`] : []),
  ].join(', ')
}

function took({ started_at: from, finished_at: to }: JobAttempt): string {
  return to === null ? '' : `${((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1)}s`
}

const ATTEMPTS: readonly Column<JobAttempt>[] = [
  { title: 'ATTEMPT', value: ({ attempt }) => attempt },
  { title: 'OUTCOME', value: ({ outcome }) => outcome ?? 'running' },
  { title: 'STARTED', value: (attempt) => attempt.started_at },
  { title: 'TOOK', value: took },
  { title: 'ERROR', value: ({ error }) => error && inOneLine(error), shrinks: true },
]
const STEPS: readonly Column<JobStep>[] = [
  { title: 'STEP', value: ({ name }) => name },
  { title: 'ATTEMPT', value: ({ attempt }) => attempt },
  { title: 'FINISHED', value: (step) => step.finished_at },
  { title: 'RESULT', value: ({ result }) => result, shrinks: true },
]
const MODEL_CALLS: readonly Column<ModelCall>[] = [
  { title: 'MODEL', value: ({ model }) => model, shrinks: true },
  { title: 'STEP', value: ({ name }) => name, shrinks: true },
  { title: 'ATTEMPT', value: ({ attempt }) => attempt },
  { title: 'TOKENS', value: tokensText },
  { title: 'COST', value: ({ usd }) => usdText(usd) },
  { title: 'TOOK', value: ({ took_ms: ms }) => `${(ms / 1000).toFixed(1)}s` },
]
const OUTPUTS: readonly Column<JobOutput>[] = [
  { title: 'OUTPUT', value: ({ kind }) => kind },
  { title: 'AS', value: ({ early }) => early },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'WHERE', value: ({ receipt, reason }) => receipt?.url ?? reason },
]

function budgetText({ budget }: JobDetail): string | null {
  const { tokens, usd, minutes } = budget ?? {}
  const parts = [
    ...(tokens === undefined ? [] : [`${tokens} tokens`]),
    ...(usd === undefined ? [] : [`$${usd}`]),
    ...(minutes === undefined ? [] : [`${minutes} minutes`]),
  ]
  return parts.length === 0 ? null : parts.join(', ')
}

function usageText({ usage }: JobDetail): string | null {
  return usage.calls === 0 ? null : [`${tokensText(usage)} tokens`, usdText(usage.usd)].filter(Boolean).join(', ')
}

const WAITS: readonly Column<JobWait>[] = [
  { title: 'WAIT', value: ({ name }) => name },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'SINCE', value: ({ since }) => since },
  { title: 'UNTIL', value: ({ until }) => until },
  { title: 'ENDED', value: (wait) => wait.ended_at ?? 'not yet' },
  { title: 'RESULT', value: ({ result, event_id }) => result ?? event_id, shrinks: true },
]
const ANSWERS: readonly Column<JobAnswer & { name: string }>[] = [
  { title: 'ANSWER', value: ({ decision }) => decision },
  { title: 'TO', value: ({ name }) => name },
  { title: 'BY', value: ({ by }) => by },
  { title: 'VIA', value: ({ via }) => via },
  { title: 'REASON', value: ({ reason }) => reason, shrinks: true },
  { title: 'DOES NOT COUNT', value: ({ refusal }) => refusal, shrinks: true },
]

/** The answers to approvals; that a pull request was pushed to is one only when it counts. */
function answersOf({ waits }: JobDetail): (JobAnswer & { name: string })[] {
  return waits
    .flatMap(({ name, answers }) => answers.map((answer) => ({ ...answer, name })))
    .filter(({ decision, refusal }) => decision !== 'moved' || refusal === null)
}

const WRITES: readonly Column<JobWrite>[] = [
  { title: 'WRITTEN', value: (write) => write.written_at },
  { title: 'WHERE', value: ({ receipt }) => receipt.url },
  { title: 'OUTPUT', value: ({ output_sha256: sha }) => sha.slice(0, 12) },
  { title: 'CONFIG', value: ({ config_sha256: sha }) => sha?.slice(0, 12) },
  { title: 'ACCESS', value: ({ access }) => (access === null ? "the token's" : accessText(access)) },
]

function accessText(access: Record<string, string>): string {
  return Object.entries(access)
    .map(([name, level]) => `${name}:${level}`)
    .join(' ')
}

/** What staged outputs would have written, below each other. */
function stagedText(outputs: readonly JobOutput[]): string {
  return outputs.map(({ kind, preview }) => `${kind}\n${indent(plain(preview ?? ''))}`).join('\n\n')
}

function logText(lines: readonly JobLogLine[]): string {
  return lines.map(logLineText).join('\n')
}

function jobText(cli: Cli, job: JobDetail): string {
  const section = <Row>(title: string, rows: readonly Row[], text: (rows: readonly Row[]) => string): string[] =>
    rows.length === 0 ? [] : [`\n${cli.paint('bold', title)}\n${indent(text(rows))}`]
  const width = cli.columns === undefined ? undefined : cli.columns - 2
  return [
    fields([
      ['job', job.id],
      ['type', job.job_type],
      ['status', statusText(job)],
      ['failed', failuresText(job)],
      ['waits for', job.waits_for],
      ['error', job.error && inOneLine(job.error)],
      ['why', job.cause],
      ['agent', job.assigned_agent],
      ['rule', job.rule],
      ['event', job.event_id],
      ['replay', job.replay],
      ['group', job.group],
      ['budget', budgetText(job)],
      ['used', usageText(job)],
      ['priority', job.priority],
      ['created', job.created_at],
      ['started', job.started_at],
      ['completed', job.completed_at],
      ['result', job.result],
    ]),
    ...section('Attempts', job.attempts, (rows) => table(ATTEMPTS, rows, width)),
    ...section('Steps', job.steps, (rows) => table(STEPS, rows, width)),
    ...section('Model calls', job.model_calls, (rows) => table(MODEL_CALLS, rows, width)),
    ...section('Waits', job.waits, (rows) => table(WAITS, rows, width)),
    ...section('Answers', answersOf(job), (rows) => table(ANSWERS, rows, width)),
    ...section('Outputs', job.outputs, (rows) => table(OUTPUTS, rows)),
    ...section(
      'Staged',
      job.outputs.filter(({ status }) => status === 'staged'),
      stagedText,
    ),
    ...section('Writes', job.writes, (rows) => table(WRITES, rows)),
    ...section('Log', job.log, logText),
  ].join('\n')
}

const STATUSES: Record<JobStatus, true> = {
  pending: true,
  running: true,
  waiting: true,
  completed: true,
  failed: true,
  cancelled: true,
}

type ListOptions = PageOptions & {
  status?: JobStatus
  cause?: JobCause | 'ours'
  type?: string
  agent?: string
  rule?: string
  event?: string
}

/** Adds `jobs ls`, `show`, `log`, `cancel`, `retry`, `priority`, `approve` and `reject`. */
export function addJobs(jobs: Command, cli: Cli): void {
  withPaging(jobs.command('ls'))
    .description('list jobs, newest first')
    .addOption(statusOption(STATUSES))
    .addOption(causeOption())
    .option('--type <type>', 'only of this type')
    .option('--agent <name>', 'only of this agent')
    .option('--rule <name>', 'only of this rule')
    .option('--event <event-id>', 'only those this event caused')
    .addHelpText('after', '\nExamples:\n  $ signalbox jobs ls --status failed\n  $ signalbox jobs ls --cause ours')
    .action(async ({ server, event, ...query }: ListOptions) => {
      const page = await clientOf(cli, { server }).jobs.list({ ...query, event_id: event })
      printPage(cli, page, 'such jobs', COLUMNS)
    })
  withId(withServer(jobs.command('show')), 'job')
    .description('show one job with its attempts, steps, outputs and log')
    .addHelpText('after', '\nExample:\n  $ signalbox jobs show 6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61')
    .action(async (id: string, options: ServerOptions) => {
      const job = await clientOf(cli, options).jobs.get(id)
      cli.print(job, () => jobText(cli, job))
    })
  withId(withServer(jobs.command('log').alias('logs')), 'job')
    .description("print a job's whole log; with --json, one object per line")
    .option('-f, --follow', 'go on until the job has ended')
    .addHelpText('after', '\nExample:\n  $ signalbox jobs log 6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61 --follow')
    .action(async (id: string, { server, follow = false }: ServerOptions & { follow?: boolean }) =>
      printLog(cli, clientOf(cli, { server }), { id, follow }),
    )
  addChanges(jobs, cli)
  addAnswer(jobs, cli, 'approve')
  addAnswer(jobs, cli, 'reject')
}

type AnswerOptions = ServerOptions & { reason?: string; by?: string; name?: string }

function addAnswer(jobs: Command, cli: Cli, decision: 'approve' | 'reject'): void {
  withId(withServer(jobs.command(decision)), 'job')
    .description(`${decision} what a job waits for approval of`)
    .option('--reason <text>', 'why, for its agent and the record')
    .option('--by <name>', 'who you are, for its agent and the record')
    .option('--name <name>', 'only the approval of that name')
    .addHelpText(
      'after',
      `\nExample:\n  $ signalbox jobs ${decision} 6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61 --reason "seen by two"`,
    )
    .action(async (id: string, { reason, by, name, ...options }: AnswerOptions) => {
      const asked = clientOf(cli, options).jobs[decision](id, { reason, by, name })
      const job = await onConflict(`See what became of it: signalbox jobs show ${inline(id)}`, asked)
      cli.print(job, () => `Noted; the job is ${statusText(job)}.`)
    })
}
