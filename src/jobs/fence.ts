// Who may write for a job: only the attempt that still has it.
import { setTimeout as sleep } from 'node:timers/promises'
import { isAway } from '../db/connection.ts'
import type { Sql } from '../db/database.ts'
import { backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { startStopwatch } from '../lib/stopwatch.ts'
import { leaseTiming } from '../queue/lease-timing.ts'
import { queueOn } from '../queue/queue.ts'
import { LeaseLost } from '../queue/running.ts'
import { JOBS } from './job.ts'

const PAUSE = { baseMs: 100, maxMs: 1000 }
const LOCKED_PAUSE_MS = 50

/** The attempt of a job that writes, and the worker that makes it. */
export type AttemptRef = { id: string; attempt: number; owner: string }

/**
 * Selects the job if this attempt still has it ($1 job, $2 attempt, $3 owner); locked, so that a
 * reclaim waits for what is written with it.
 */
export const LEASED = `select id, attempt from signalbox.jobs
  where id = $1::uuid and attempt = $2::integer and owner = $3::uuid and status = 'running' for share`

/** The parameters of `LEASED`. */
export function refValues({ id, attempt, owner }: AttemptRef): [string, number, string] {
  return [id, attempt, owner]
}

/**
 * Makes the lease last from now on, so that nobody else begins meanwhile what this attempt is about
 * to do. An answer that comes late is asked for again: a process that was frozen reads, when it
 * goes on, that it had the lease.
 * @throws LeaseLost when the attempt no longer has its job, or a person has ended the job: it is
 * this attempt's until it has let go, but nothing more is begun.
 */
export async function renewLease(
  sql: Sql,
  { id, attempt, owner }: AttemptRef,
  { clock, leaseMs, stop }: { clock: Clock; leaseMs: number; stop: AbortSignal },
): Promise<void> {
  const { answerMs } = leaseTiming(leaseMs)
  const jobs = queueOn({ table: JOBS, clock })
  for (let tookMs = Number.POSITIVE_INFINITY; tookMs > answerMs; ) {
    stop.throwIfAborted()
    const asked = startStopwatch(clock)
    const [renewed] = await jobs.renew(sql, { owner, attempts: [{ id, attempt }], leaseMs })
    if (renewed === undefined) throw fenced()
    if (renewed.isEnding) throw new LeaseLost('The job was ended by hand; nothing more was written.')
    // Somebody else has locked the row, an own write of the attempt perhaps: ask again.
    if (!renewed.isRenewed) await pause(LOCKED_PAUSE_MS, stop)
    else tookMs = asked.elapsedMs()
  }
}

/**
 * Makes a write, and repeats it while the database is away, until it is made or the attempt is
 * stopped: what an agent has done is worth more than a second's pause. It may be made twice, when
 * the answer to the first got lost.
 */
export async function insist<T>(stop: AbortSignal, write: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await write()
    } catch (error) {
      if (!isAway(error)) throw error
      stop.throwIfAborted()
      await pause(backoffMs(failures, PAUSE), stop)
    }
  }
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => stop.throwIfAborted())
}

/** The error of a write that found its job taken. */
export function fenced(): LeaseLost {
  return new LeaseLost('This attempt no longer has its job; nothing was written.')
}
