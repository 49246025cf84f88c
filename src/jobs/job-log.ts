// The lines of running jobs, written to the database in batches.
import type { Database } from '../db/database.ts'
import { storable } from '../db/text.ts'
import { loggable } from '../lib/agent-limits.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'

const STREAMS = ['log', 'stdout', 'stderr'] as const
export type Stream = (typeof STREAMS)[number]

/** More of one attempt is left out, and the log says so. */
export const MAX_LOG_LINES = 10_000
const MAX_LINE_CHARS = 4000
const BATCH = 1000
const FLUSH_MS = 500

type Line = { jobId: string; attempt: number; at: Date; stream: Stream; line: string }

export type JobLog = {
  /** The writer of one attempt's lines, with what `redact` makes of them. */
  of(job: { id: string; attempt: number }, redact?: (text: string) => string): (text: string, stream?: Stream) => void
  /** Resolves when every line given so far is in the database, or could not be written. */
  flush(): Promise<void>
}

/**
 * Opens the writer. Lines are there to be read by people: what the database refuses is dropped with
 * a warning, and no job waits for it.
 */
export function openJobLog(database: Database, clock: Clock, log: Log): JobLog {
  let waiting: Line[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting.slice(0, BATCH)
      waiting = waiting.slice(BATCH)
      await insert(database, lines).catch((error: unknown) =>
        log.warn({ error: errorText(error), lines: lines.length }, 'lines of job logs were lost'),
      )
    }
  }
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }
  const add = (line: Line): void => {
    waiting.push(line)
    if (waiting.length >= BATCH) void flush()
    else timer ??= setTimeout(flush, FLUSH_MS)
  }
  return {
    flush,
    of({ id, attempt }, redact = (text) => text) {
      let count = 0
      return (text, given) => {
        // First, because a program may print without end, and the rest costs.
        if (count > MAX_LOG_LINES) return
        // An agent may name another, for which the database would refuse the whole batch.
        const stream = STREAMS.find((one) => one === given) ?? 'log'
        for (const part of redact(loggable(text)).split('\n', MAX_LOG_LINES + 1 - count)) {
          const cut = ++count > MAX_LOG_LINES
          const line = cut
            ? `The log ends here: it has more than ${MAX_LOG_LINES} lines.`
            : storable(part, MAX_LINE_CHARS)
          add({ jobId: id, attempt, at: clock.now(), stream: cut ? 'log' : stream, line })
        }
      }
    },
  }
}

function insert(database: Database, lines: Line[]) {
  return database.query(
    `insert into signalbox.job_log (job_id, attempt, at, stream, line)
     select * from unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::text[], $5::text[])`,
    [
      lines.map((line) => line.jobId),
      lines.map((line) => line.attempt),
      lines.map((line) => line.at),
      lines.map((line) => line.stream),
      lines.map((line) => line.line),
    ],
    'job log',
  )
}
