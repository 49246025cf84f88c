// Following the log of a job to its end, over lost connections.
import type { JobLogLine, JobSummary } from './api.ts'
import type { Transport } from './transport.ts'
import { isTemporary } from './transport.ts'

const FIRST_PAUSE_MS = 500
// What happened is late by that much where a proxy cuts every connection that is quiet.
const MAX_PAUSE_MS = 5_000

type Status = JobSummary['status']

/** From which line on a log is followed, and how to stop. */
export type FollowOptions = { after?: number | undefined; signal?: AbortSignal | undefined }

/**
 * Reads a log line by line, each once, and returns the status that its job ended with; null when
 * the signal was aborted before.
 */
export type FollowLog = (id: string, options?: FollowOptions) => AsyncGenerator<JobLogLine, Status | null, undefined>

/** The follower over one server. One that is away or busy is asked again. */
export function logFollower({ events, wait }: Pick<Transport, 'events' | 'wait'>): FollowLog {
  /** Reads over one connection; returns null where it ended before the job. */
  async function* readOnce(id: string, { after, signal }: FollowOptions & { after: number }) {
    for await (const { event, data } of events(`api/jobs/${encodeURIComponent(id)}/log`, { after, signal })) {
      if (event === 'end') return (JSON.parse(data) as { status: Status }).status
      if (event === 'line') yield JSON.parse(data) as JobLogLine
    }
    return null
  }

  return async function* follow(id, { after = 0, signal } = {}) {
    let last = after
    for (let failures = 0; !signal?.aborted; failures++) {
      const lines = readOnce(id, { after: last, signal })
      let next = await orLost(lines)
      for (; next !== null && !next.done; next = await orLost(lines)) {
        failures = 0
        last = next.value.id
        yield next.value
      }
      if (next?.value) return next.value
      if (!signal?.aborted) await wait(Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS))
    }
    return null
  }
}

/** What comes next; null where the connection was lost. */
async function orLost<Next>(reading: { next(): Promise<Next> }): Promise<Next | null> {
  try {
    return await reading.next()
  } catch (error) {
    if (!isTemporary(error)) throw error
    return null
  }
}
