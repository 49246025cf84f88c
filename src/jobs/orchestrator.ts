// The orchestrator: runs jobs as they become due, and says that it is alive.
import type { Sql } from '../db/database.ts'
import { newId } from '../lib/id.ts'
import type { Settled } from '../queue/table.ts'
import { JOBS } from '../queue/table.ts'
import { openWorker } from '../queue/worker.ts'
import { openHeartbeat } from './heartbeat.ts'
import type { Finished, JobRow } from './job.ts'
import { toJob } from './job.ts'
import { openJobLog } from './job-log.ts'
import type { RunOptions } from './run.ts'
import { runJob } from './run.ts'

const LEASE_MS = 30_000

export type OrchestratorOptions = RunOptions & {
  /** How many jobs run at once. */
  slots: number
  /** The longest it goes without looking for work. */
  tickMs: number
  leaseMs?: number
  /**
   * Runs in the transaction that ends jobs, so that what it writes (the events `job.completed`)
   * commits with their end.
   */
  onFinished?: (tx: Sql, finished: readonly Finished[]) => Promise<void>
  /** Tells other processes that there may be work for them. */
  wake?: () => void
}

/** An open orchestrator. It does nothing until `start`, or `tick` by `tick` in a test. */
export type Orchestrator = {
  id: string
  running(): number
  start(): void
  /** There may be a new job: look now. */
  nudge(): void
  /**
   * One round by hand: takes over lost jobs, runs what fits to its end; gives the number of tries
   * made.
   */
  tick(): Promise<number>
  /** Renews the leases of what runs; its timer does this every third of a lease. */
  renew(): Promise<void>
  /**
   * Ends gracefully: no new jobs, `limitMs` for the running ones, and the rest is given back
   * unharmed.
   */
  drain(options?: { limitMs?: number }): Promise<void>
}

type EndedRow = JobRow & { status: string; error: string | null; result: unknown }

/** Tells of the jobs among these that have ended for good. */
function tellFinished(onFinished: NonNullable<OrchestratorOptions['onFinished']>) {
  return async (tx: Sql, settled: Settled[]): Promise<void> => {
    const ids = settled.filter(({ status }) => status === 'completed' || status === 'failed').map(({ id }) => id)
    if (ids.length === 0) return
    const { rows } = await tx.query<EndedRow>('select * from signalbox.jobs where id = any($1::uuid[])', [ids])
    await onFinished(
      tx,
      rows.map((row) =>
        row.status === 'completed'
          ? { job: toJob(row), outcome: 'completed', result: row.result }
          : { job: toJob(row), outcome: 'failed', error: row.error ?? '' },
      ),
    )
  }
}

/**
 * Opens an orchestrator; several at once, in one process or many, share the work safely. `start`
 * it, and `drain` it at the end.
 */
export function openOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { database, clock, log, slots, tickMs, leaseMs = LEASE_MS, onFinished, wake } = options
  const id = newId()
  const jobLog = openJobLog(database, clock, log)
  const worker = openWorker<JobRow>({
    database,
    clock,
    log,
    table: JOBS,
    owner: id,
    slots,
    leaseMs,
    tickMs,
    handle: (row, signal) => runJob(options, jobLog, row, signal),
    ...(onFinished ? { onSettled: tellFinished(onFinished) } : {}),
    ...(wake ? { wake } : {}),
  })
  const heartbeat = openHeartbeat({ database, clock, log, id, slots, tickMs, running: worker.running.bind(worker) })
  return {
    id,
    running: () => worker.running(),
    start() {
      heartbeat.start()
      worker.start()
    },
    nudge: () => worker.nudge(),
    renew: () => worker.renew(),
    async tick() {
      await heartbeat.beat()
      return worker.tick()
    },
    async drain(limit) {
      await heartbeat.beat('draining')
      await worker.drain(limit)
      await jobLog.flush()
      await heartbeat.stop()
    },
  }
}
