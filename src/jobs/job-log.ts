// The lines of running jobs, written to the database in batches.
import { isAway } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { storable, storableJson } from '../db/text.ts'
import { loggable } from '../lib/agent-limits.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import type { LogFields, LogStream } from '../lib/log-line.ts'
import { fieldsOf, LOG_STREAMS } from '../lib/log-line.ts'
import type { Redactor } from '../untrusted/redact.ts'
import { redactor } from '../untrusted/redact.ts'
import type { AttemptRef } from './fence.ts'

/** More of one attempt is left out, and the log says so. */
export const MAX_LOG_LINES = 10_000
const MAX_LINE_CHARS = 4000
const BATCH = 1000
const FLUSH_MS = 500
const RETRY_MS = 1000
/** So many lines wait while the database is away: 80 MB if they and their fields are long. */
const MAX_WAITING = 10_000

const byForm = redactor()

/** An attempt, and how many of its lines are known to be stored. */
type Source = { ref: AttemptRef; stored: number }
type Line = { source: Source; at: Date; stream: LogStream; line: string; fields: string | null }

export type JobLog = {
  /** The writer of one attempt's lines, without their secrets. */
  of(ref: AttemptRef, secrets?: Pick<Redactor, 'text' | 'value'>): (text: string, given?: LogFields | LogStream) => void
  /**
   * Resolves when every line given so far is in the database, or was refused by it.
   * @throws AppError `database_unavailable`; the lines are kept, and written when it is back.
   */
  flush(): Promise<void>
  /** Writes no more: what still waits is lost, with a warning, and so is what comes later. */
  close(): void
}

/**
 * Opens the writer. Lines are there to be read by people: what the database refuses is dropped with
 * a warning, and so is what is too much while it is away.
 */
export function openJobLog(database: Database, clock: Clock, log: Log): JobLog {
  let waiting: Line[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  /** The answer to the last insert got lost: its lines may be stored. */
  let isInDoubt = false
  let isClosed = false

  const warnOfLoss = (lines: number, reason: string): void => {
    log.warn({ error: reason, lines }, 'lines of job logs were lost')
  }
  const lose = (error: unknown, refused: number): void => {
    const kept = isInDoubt ? firstOfEach(waiting, MAX_WAITING) : waiting.slice(refused)
    if (kept.length < waiting.length) warnOfLoss(waiting.length - kept.length, errorText(error))
    waiting = kept
  }
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting.slice(0, BATCH)
      try {
        await insert(database, clock, lines, isInDoubt)
        isInDoubt = false
        for (const { source } of lines) source.stored++
        waiting = waiting.slice(lines.length)
      } catch (error) {
        isInDoubt = isAway(error)
        lose(error, lines.length)
        if (isInDoubt) throw error
      }
    }
  }
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const written = writing.then(write)
    writing = written.catch(() => flushIn(RETRY_MS))
    return written
  }
  const flushIn = (ms: number): void => {
    timer ??= setTimeout(() => flush().catch(() => undefined), ms)
  }
  const add = (line: Line): void => {
    if (isClosed) return
    waiting.push(line)
    if (waiting.length % BATCH > 0 || isInDoubt) flushIn(FLUSH_MS)
    else flush().catch(() => undefined)
  }
  return {
    flush,
    close() {
      isClosed = true
      clearTimeout(timer)
      if (waiting.length > 0) warnOfLoss(waiting.length, 'The database did not answer before the end of this process.')
      waiting = []
    },
    of(ref, secrets = byForm) {
      const source: Source = { ref, stored: 0 }
      let count = 0
      return (text, given) => {
        // First, because a program may print without end, and the rest costs.
        if (count > MAX_LOG_LINES) return
        // An agent may name another, for which the database would refuse the whole batch.
        const stream = LOG_STREAMS.find((one) => one === given) ?? 'log'
        let fields = fieldsText(given, secrets)
        for (const part of secrets.text(loggable(text)).split('\n', MAX_LOG_LINES + 1 - count)) {
          if (++count > MAX_LOG_LINES) {
            const line = `The log ends here: it has more than ${MAX_LOG_LINES} lines.`
            add({ source, at: clock.now(), stream: 'log', line, fields: null })
            return
          }
          add({ source, at: clock.now(), stream, line: alone(storable(part, MAX_LINE_CHARS)), fields })
          fields = null
        }
      }
    },
  }
}

/** A copy, because V8 keeps the whole text in memory of which a part is kept. */
function alone(part: string): string {
  return Buffer.from(part).toString()
}

/** The fields of a line as they are stored. */
function fieldsText(given: unknown, secrets: Pick<Redactor, 'value'>): string | null {
  const fields = fieldsOf(given)
  return fields === null ? null : storableJson(secrets.value(fields) as object)
}

// Left out are the lines of an attempt that has lost its job, but not of one that its owner ended
// while they waited; and in doubt those that are stored: they are the first ones. Their times are
// the database's, less how long they have waited: the clocks of hosts differ.
function insert(database: Database, clock: Clock, lines: Line[], isInDoubt: boolean) {
  const now = clock.now().getTime()
  return database.query(
    `insert into signalbox.job_log (job_id, attempt, at, stream, line, fields)
     select job.id, line.attempt, coalesce($1::timestamptz, now()) - line.age_ms * interval '1 ms', line.stream, line.text,
       line.fields::jsonb
     from unnest($2::uuid[], $3::integer[], $4::uuid[], $5::float8[], $6::text[], $7::text[], $8::integer[], $10::text[])
       with ordinality as line (id, attempt, owner, age_ms, stream, text, of_attempt, fields, nth)
     join signalbox.jobs as job on job.id = line.id and (
       (job.attempt, job.owner, job.status) is not distinct from (line.attempt, line.owner, 'running')
       or exists (
         select from signalbox.job_attempts
         where (job_id, attempt, owner) = (line.id, line.attempt, line.owner) and outcome <> 'lost'))
     left join (
       select job_id, attempt, count(*) as n from signalbox.job_log
       where $9::boolean and job_id = any($2::uuid[]) group by job_id, attempt
     ) as stored on (stored.job_id, stored.attempt) = (line.id, line.attempt)
     where line.of_attempt > coalesce(stored.n, 0)
     order by line.nth`,
    [
      clock.sqlNow(),
      lines.map(({ source }) => source.ref.id),
      lines.map(({ source }) => source.ref.attempt),
      lines.map(({ source }) => source.ref.owner),
      lines.map(({ at }) => now - at.getTime()),
      lines.map(({ stream }) => stream),
      lines.map(({ line }) => line),
      numbered(lines),
      isInDoubt,
      lines.map(({ fields }) => fields),
    ],
    'job log',
  )
}

/** At most so many lines: the first of each attempt, so that none takes the place of others. */
function firstOfEach(lines: Line[], max: number): Line[] {
  if (lines.length <= max) return lines
  const counts = new Map<Source, number>()
  const nths = lines.map(({ source }) => {
    const nth = (counts.get(source) ?? 0) + 1
    counts.set(source, nth)
    return nth
  })
  const share = fairShare([...counts.values()], max)
  return lines.filter((_, at) => (nths[at] ?? 0) <= share)
}

/** How many each may have at most, so that all together have `max`. */
function fairShare(wanted: number[], max: number): number {
  let left = max
  let others = wanted.length
  for (const count of wanted.toSorted((a, b) => a - b)) {
    if (count * others > left) return Math.floor(left / others)
    left -= count
    others--
  }
  return max
}

/** Which line of its attempt each is, counted from 1, without those that were lost. */
function numbered(lines: Line[]): number[] {
  const next = new Map<Source, number>()
  return lines.map(({ source }) => {
    const nth = (next.get(source) ?? source.stored) + 1
    next.set(source, nth)
    return nth
  })
}
