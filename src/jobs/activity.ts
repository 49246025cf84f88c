// What the log says of a job: that an attempt began, and how it ended.

import type { Log } from '../lib/log.ts'
import { firstLine } from '../lib/one-line.ts'
import { shortId } from '../lib/short-id.ts'
import type { Settled } from '../queue/table.ts'
import type { JobRow, RunDetail } from './job.ts'
import type { Cancelled } from './supersede.ts'
import type { Wait } from './wait-rows.ts'

const MAX_ERROR_CHARS = 300

function nameOf({ job, agent }: { job: string; agent: string }): string {
  return `job ${shortId(job)} ${agent}`
}

/** Says that an attempt begins. */
export function sayStarted(log: Log, { id, agent, attempt }: Pick<JobRow, 'id' | 'agent' | 'attempt'>): void {
  const about = { job: id, agent, attempt }
  log.info({ about }, `${nameOf(about)}: started${attempt > 1 ? `, attempt ${attempt}` : ''}`)
}

/** Says that a job which did not run was cancelled; of one that runs, whoever runs it says so. */
export function saySuperseded(log: Log, { id, agent, error, runs }: Cancelled): void {
  const about = { job: id, agent, status: 'cancelled', error }
  if (!runs) log.info({ about }, `${nameOf(about)}: cancelled: ${error}`)
}

/** Says how an attempt ended; that a job has failed for good is a warning. */
export function sayEnded(log: Log, ended: Settled<JobRow, RunDetail>, now: Date): void {
  const { row, attempt, status, detail } = ended
  if (detail?.mayJoin) return
  const started = (row as { attempt_started_at?: Date | null }).attempt_started_at
  const durationMs = started instanceof Date ? now.getTime() - started.getTime() : null
  const about = { job: row.id, agent: row.agent, attempt, status, error: ended.error, durationMs }
  const error = firstLine(ended.error ?? '', MAX_ERROR_CHARS)
  const took = durationMs === null ? '' : ` in ${(durationMs / 1000).toFixed(1)} s`
  if (status === 'failed') {
    const text = `${nameOf(about)}: failed${took}, and is not repeated: ${error} (signalbox jobs show ${row.id})`
    log.warn({ about }, text)
    return
  }
  const said: Record<string, string> = {
    pending: `attempt ${attempt} ended${took}, another follows: ${error}`,
    waiting: `attempt ${attempt} ended${took}, it waits for ${waitsText(detail?.waits)}`,
  }
  log.info({ about }, `${nameOf(about)}: ${said[status] ?? `${status}${took}${error === '' ? '' : `: ${error}`}`}`)
}

function waitsText(waits: readonly Pick<Wait, 'name' | 'until'>[] = []): string {
  const texts = waits.map(({ name, until }) => `"${name}" until ${until.toISOString()}`)
  return firstLine(texts.join(', '), MAX_ERROR_CHARS)
}
