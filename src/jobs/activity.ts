// What is said of a job: that it began, and how its attempt ended.
import { shortId } from '../lib/id.ts'
import type { Activity, Log } from '../lib/log.ts'
import { firstLine } from '../lib/one-line.ts'
import type { Settled } from '../queue/table.ts'
import type { JobRow, RunDetail } from './job.ts'

const MAX_ERROR_CHARS = 300

function nameOf({ id, agent }: Pick<JobRow, 'id' | 'agent'>): string {
  return `job ${shortId(id)} ${agent}`
}

/** Says that an attempt begins. */
export function sayStarted(activity: Activity, { id, agent, attempt }: Pick<JobRow, 'id' | 'agent' | 'attempt'>): void {
  activity({ job: id, agent, attempt }, `${nameOf({ id, agent })}: started${attempt > 1 ? `, attempt ${attempt}` : ''}`)
}

/** Says how an attempt ended; that a job has failed for good is a warning in every log. */
export function sayEnded(say: { activity: Activity; log: Log }, ended: Settled<JobRow, RunDetail>, now: Date): void {
  const { row, attempt, status } = ended
  if (ended.detail?.mayJoin) return
  const started = (row as { attempt_started_at?: Date | null }).attempt_started_at
  const durationMs = started instanceof Date ? now.getTime() - started.getTime() : null
  const about = { job: row.id, agent: row.agent, attempt, status, error: ended.error, durationMs }
  const error = firstLine(ended.error ?? '', MAX_ERROR_CHARS)
  const took = durationMs === null ? '' : ` in ${(durationMs / 1000).toFixed(1)} s`
  if (status === 'failed') {
    const text = `${nameOf(row)}: failed${took}, and is not repeated: ${error} (signalbox jobs show ${row.id})`
    say.log.warn({ about }, text)
    return
  }
  const again = `attempt ${attempt} ended${took}, another follows: ${error}`
  const end = `${status}${took}${error === '' ? '' : `: ${error}`}`
  say.activity(about, `${nameOf(row)}: ${status === 'pending' ? again : end}`)
}
