// The log of a job as it grows: server-sent events, which whoever lost the connection goes on with.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../db/database.ts'
import { readLogAfter } from '../../jobs/query.ts'
import { AppError, errorText } from '../../lib/error.ts'
import type { Log } from '../../lib/log.ts'

// Each asks the database once in that time, one look at an index.
const LOOK_EVERY_MS = 1_000
const MAX_STREAMS = 50
/** So many lines are in memory for each. */
const LINES_AT_ONCE = 50
/** Who takes nothing for so long is cut off: a place that nobody reads at is one too few. */
const MAX_UNREAD_MS = 60_000
// Proxies close a connection that says nothing for a minute.
const HEARTBEAT_MS = 15_000
/** How long a browser waits before it connects again. */
const RECONNECT_MS = 2_000

/** Logs that are being followed. */
export type LogStreams = {
  /**
   * The lines of a job's log after the one of that id, each an event `line` with its id, to the
   * event `end` with the job's status. What is not read is not fetched; `hangUp` is called when
   * nothing was read for a minute. Without `end` it was cut off, and goes on with the id of the
   * last line.
   * @throws AppError `not_found`, and `rate_limited` when too many are open.
   */
  open(jobId: string, after: number, reader: Reader): Promise<Response>
  /** Cuts all of them off. */
  close(): void
}

/** Who follows a log: `gone` is aborted when it has gone, and `hangUp` ends its connection. */
export type Reader = { gone: AbortSignal; hangUp: () => void }

/** What following needs. */
export type LogStreamsOptions = {
  looking: Database
  log: Log
  everyMs?: number
  heartbeatMs?: number
  maxUnreadMs?: number
}

/** Opens what follows logs. */
export function openLogStreams(options: LogStreamsOptions): LogStreams {
  const { looking, maxUnreadMs = MAX_UNREAD_MS } = options
  const closing = new AbortController()
  let open = 0
  return {
    async open(jobId, after, { gone, hangUp }) {
      if (open >= MAX_STREAMS) {
        const headers = { 'retry-after': '5' }
        throw new AppError('rate_limited', `${MAX_STREAMS} logs are followed already: repeat it later.`, { headers })
      }
      const ended = new AbortController()
      const signal = AbortSignal.any([gone, closing.signal, ended.signal])
      if (signal.aborted) return new Response(null, { headers: HEADERS })
      open++
      signal.addEventListener('abort', () => void open--, { once: true })
      const first = await readLogAfter(looking, jobId, { after, limit: LINES_AT_ONCE }).catch((error: unknown) => {
        ended.abort()
        throw error
      })
      const events = follow(options, { jobId, after, first, signal })
      let unread: NodeJS.Timeout | undefined
      signal.addEventListener('abort', () => clearTimeout(unread), { once: true })
      const stream = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            clearTimeout(unread)
            const { value, done } = await events.next()
            if (done) {
              controller.close()
              return ended.abort()
            }
            controller.enqueue(Buffer.from(value))
            if (!signal.aborted) unread = setTimeout(hangUp, maxUnreadMs).unref()
          },
          cancel: () => ended.abort(),
        },
        { highWaterMark: 0 },
      )
      return new Response(stream, { headers: HEADERS })
    },
    close: () => closing.abort(),
  }
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // nginx would keep the lines back until it has many.
  'x-accel-buffering': 'no',
}

type Following = {
  jobId: string
  after: number
  first: Awaited<ReturnType<typeof readLogAfter>>
  signal: AbortSignal
}

async function* follow(
  { looking, log, everyMs = LOOK_EVERY_MS, heartbeatMs = HEARTBEAT_MS }: LogStreamsOptions,
  { jobId, after, first, signal }: Following,
): AsyncGenerator<string, void, undefined> {
  yield `retry: ${RECONNECT_MS}\n\n`
  let last = after
  let saidAt = performance.now()
  try {
    for (let page = first; !signal.aborted; ) {
      const { lines, status, hasEnded } = page
      if (lines.length > 0) {
        last = lines.at(-1)?.id ?? last
        saidAt = performance.now()
        yield lines.map((line) => eventText('line', line, line.id)).join('')
      } else if (hasEnded) {
        yield eventText('end', { status })
        return
      } else if (performance.now() - saidAt >= heartbeatMs) {
        saidAt = performance.now()
        yield ': still here\n\n'
      }
      if (lines.length < LINES_AT_ONCE && !hasEnded) await sleep(everyMs, undefined, { signal })
      page = await readLogAfter(looking, jobId, { after: last, limit: LINES_AT_ONCE })
    }
  } catch (error) {
    // Its reader connects again, and goes on where it was.
    if (!signal.aborted) log.warn({ error: errorText(error), job: jobId }, 'a log is not followed any more')
  }
}

/** One event; JSON has no line breaks, which would end the data. */
function eventText(event: string, data: object, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
