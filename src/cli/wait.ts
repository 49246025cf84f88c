// `--wait`: says how jobs go on, until all of them have ended.
import { setTimeout as pause } from 'node:timers/promises'
import type { JobDetail, SignalboxClient } from '@signalbox/sdk'
import { SignalboxError } from '@signalbox/sdk/client'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { shortId } from '../lib/short-id.ts'
import { CliError, Unsuccessful } from './failure.ts'
import type { Cli } from './terminal.ts'
import { count, inline, inOneLine } from './text.ts'

const LOOK_EVERY_MS = 500

/** A time as it was given, and in milliseconds. */
export type Timeout = { text: string; ms: number }

/** How long a command waits for the jobs it made, unless it is said. */
export const DEFAULT_TIMEOUT: Timeout = { text: '15m', ms: 15 * 60_000 }

/** The options of a command that can wait for the jobs it made. */
export type WaitOptions = { wait?: boolean; timeout: Timeout }

/** Adds `--wait` and `--timeout`. */
export function withWait(command: Command): Command {
  const waiting = command.option(
    '--wait',
    'wait until the jobs this makes have ended; exit code 1 if one does not complete',
  )
  return withTimeout(waiting, 'with --wait: give up')
}

/** Adds `--timeout`. */
export function withTimeout(command: Command, what = 'give up', otherwise = DEFAULT_TIMEOUT): Command {
  return command.addOption(
    new Option('--timeout <time>', `${what} after this time, such as 30s, 10m or 1h`)
      .argParser(parseTime)
      .default(otherwise, otherwise.text),
  )
}

/** Whether a job has ended, and does not go on by itself. */
export function hasEnded({ status }: Pick<JobDetail, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/**
 * Prints a line for everything that becomes of the jobs, and returns them when all have ended.
 * @throws CliError `wait_timeout` when one has not in time.
 */
export async function waitForJobs(
  cli: Cli,
  client: SignalboxClient,
  ids: readonly string[],
  { timeout }: Pick<WaitOptions, 'timeout'>,
): Promise<JobDetail[]> {
  const deadline = performance.now() + timeout.ms
  const said = new Map<string, string>()
  for (;;) {
    const isLast = performance.now() >= deadline
    const jobs = await look(client, ids, isLast)
    for (const job of jobs) {
      const text = progressText(job)
      if (said.get(job.id) !== text && !cli.json()) cli.out(`${text}\n`)
      said.set(job.id, text)
    }
    if (jobs.length === ids.length && jobs.every(hasEnded)) return jobs
    if (isLast) throw outOfTime(jobs, timeout.text)
    await pause(LOOK_EVERY_MS)
  }
}

/** Ends the command with exit code 1 when a job did not complete; what there is to say is said. */
export function requireCompleted(jobs: readonly Pick<JobDetail, 'status'>[]): void {
  if (jobs.some(({ status }) => status !== 'completed')) throw new Unsuccessful()
}

/** The jobs as they are; none while the server is away, which may be only to start again. */
async function look(client: SignalboxClient, ids: readonly string[], isLast: boolean): Promise<JobDetail[]> {
  return Promise.all(ids.map((id) => client.jobs.get(id))).catch((error: unknown) => {
    const isAway = error instanceof SignalboxError && (error.status === 0 || error.status >= 500)
    if (isAway && !isLast) return []
    throw error
  })
}

/** Where a job is, in one line. */
export function progressText(job: JobDetail): string {
  return `job ${shortId(job.id)} ${inline(job.job_type)}: ${inline(inOneLine(stateText(job)))}`
}

function stateText({ status, attempt, failures, max_attempts, error, waits_for, outputs }: JobDetail): string {
  switch (status) {
    case 'running':
      return `running, attempt ${attempt}`
    case 'pending':
      return failures > 0 ? `attempt failed (${failures} of ${max_attempts}): ${error}` : (waits_for ?? 'pending')
    case 'completed': {
      const urls = outputs.flatMap(({ receipt }) => (receipt === null ? [] : [receipt.url]))
      return ['completed', ...new Set(urls)].join(' ')
    }
    default:
      return error === null ? status : `${status}: ${error}`
  }
}

function outOfTime(jobs: readonly JobDetail[], time: string): CliError {
  const open = jobs.filter((job) => !hasEnded(job))
  const [first] = open
  const detail = `After ${time} ${count(open.length, 'job')} had not ended.`
  return new CliError('wait_timeout', detail, `It goes on without you: signalbox jobs show ${first?.id}`)
}

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** An option's value that must be a time: `500ms`, `30s`, `10m`, `1h`. */
export function parseTime(text: string): Timeout {
  const [, number = '', unit = ''] = /^(\d{1,6})(ms|[smh])$/.exec(text) ?? []
  const ms = Number(number) * (UNITS[unit] ?? Number.NaN)
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be a time such as 30s, 10m or 1h.')
  return { text, ms }
}
