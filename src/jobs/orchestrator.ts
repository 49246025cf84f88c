// The orchestrator: runs jobs as they become due.
import type { Database, Sql } from '../db/database.ts'
import { endWithLease } from '../lib/end-with-us.ts'
import { errorText } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import { within } from '../lib/within.ts'
import { LEASE_MS, leaseTiming } from '../queue/lease-timing.ts'
import type { Handled, Settled } from '../queue/table.ts'
import { openWorker } from '../queue/worker.ts'
import { sayEnded } from './activity.ts'
import { askWho, joinGroups } from './admission.ts'
import { openReports } from './ended-by-hand.ts'
import type { OnFinished } from './finished.ts'
import type { Finished, JobRow, RunDetail } from './job.ts'
import { JOBS, toJob } from './job.ts'
import { openJobLog } from './job-log.ts'
import type { RunOptions } from './run.ts'
import { runJob } from './run.ts'
import { giveTurnsBack } from './supersede.ts'
import { openSuperseded } from './superseded.ts'
import { wakeAnswered } from './wait-rows.ts'
import type { OnWaiting, WaitingJob } from './waiting-event.ts'

/**
 * A stopped attempt ends within its grace, unless it waits for the answer to a request that writes.
 * That takes at most 10 s, and the job must not be anybody else's before.
 */
const ABORTED_MS = 15_000
/** What a drain leaves the last lines of logs. */
const LAST_WRITES_MS = 3000
/** The row says by what, because it is cancelled already. */
const SUPERSEDED: Handled<RunDetail> = { outcome: { kind: 'cancelled', error: 'Superseded.' }, detail: null }

export type OrchestratorOptions = Omit<RunOptions, 'leaseMs' | 'stopGraceMs'> & {
  /** The owner of what it claims: the id of its node. Default: a new one. */
  id?: string
  /** How many jobs run at once. */
  slots: number
  /** The longest it goes without looking for work. */
  tickMs: number
  /** Default `LEASE_MS`. What a stopped agent may take to end is a fifth of it. */
  leaseMs?: number | undefined
  /** Connections for the renewals of leases alone. Default: those of `database`. */
  leases?: Database
  /**
   * Runs in the transaction that ends jobs, so that what it writes (the events `job.completed`)
   * commits with their end.
   */
  onFinished?: OnFinished
  /** Runs in the transaction in which jobs begin to wait, as `onFinished` in that of their ends. */
  onWaiting?: OnWaiting
  /**
   * Notifies all workers through the database: of the events that ended jobs made, which the sender
   * of this process is waiting for too, and of groups that are free.
   */
  notify?: (whom: 'same' | 'any') => void
}

/** An open orchestrator. It does nothing until `start`, or `tick` by `tick` in a test. */
export type Orchestrator = {
  id: string
  running(): number
  start(): void
  /** There may be a new job: look now. */
  nudge(): void
  /**
   * One pass by hand: reclaims lost jobs, runs what fits to its end; returns the number of attempts
   * made.
   */
  tick(): Promise<number>
  /**
   * Renews the leases of what runs, which its timer does every third of a lease, and reports what
   * was ended by hand.
   */
  renew(): Promise<void>
  /**
   * Ends gracefully: no new jobs, `limitMs` for the running ones, and the rest is released, which
   * is no failure.
   */
  drain(options?: { limitMs?: number }): Promise<void>
}

/**
 * Opens an orchestrator; several at once, in one process or many, share the work safely. `start`
 * it, and `drain` it at the end.
 */
export function openOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { database, leases, clock, log, slots, tickMs, leaseMs = LEASE_MS, notify, id = newId() } = options
  const { meter } = options
  const runOptions: RunOptions = { ...options, leaseMs, stopGraceMs: leaseTiming(leaseMs).stopGraceMs }
  const agents = [...options.agents.keys()]
  const jobLog = openJobLog(database, clock, log)
  const worker = openWorker<JobRow, RunDetail>({
    database,
    leases,
    clock,
    log,
    table: JOBS,
    owner: id,
    kinds: agents,
    slots,
    leaseMs,
    tickMs,
    abortedMs: ABORTED_MS,
    onBegun: (waitedMs) => meter?.claimed('jobs', waitedMs),
    handle: async (row, signal) =>
      row.joins !== null
        ? askWho(runOptions, row, signal)
        : ((await superseded.unlessSuperseded(row, () => runJob(runOptions, jobLog, row, signal))) ?? SUPERSEDED),
    onSettled: (tx, settled) => followSettled(tx, options, settled),
    afterSettled: (settled) => {
      for (const each of settled) {
        meter?.jobAttempted(each.row.agent, each.outcome)
        sayEnded(log, each, clock.now())
      }
    },
    notify,
  })
  const reports = openReports(options)
  const superseded = openSuperseded({ database, clock, log, onCancelled: () => worker.renew() })
  let letPrograms = () => {}
  return {
    id,
    running: () => worker.running(),
    start() {
      worker.start()
      letPrograms = endWithLease(() => spared(worker.leaseLeftMs(), leaseMs))
      superseded.start()
      reports.start()
    },
    nudge() {
      worker.nudge()
      void superseded.look()
    },
    async renew() {
      await Promise.all([worker.renew(), reports.report()])
    },
    async tick() {
      await reports.report()
      return worker.tick()
    },
    async drain(limit) {
      await worker.drain(limit)
      for (const each of [superseded, reports]) each.stop()
      letPrograms()
      // What the database does not answer by now is lost, and is not worth waiting for.
      await within(LAST_WRITES_MS, jobLog.flush(), 'The database did not answer.').catch((error: unknown) =>
        log.warn({ error: errorText(error) }, 'a drain goes on without the database'),
      )
      jobLog.close()
    },
  }
}

/** What commits with the end of attempts; says whether it made work for others. */
async function followSettled(
  tx: Sql,
  { clock, onFinished, onWaiting }: Pick<OrchestratorOptions, 'clock' | 'onFinished' | 'onWaiting'>,
  settled: readonly Settled<JobRow, RunDetail>[],
): Promise<boolean> {
  const waiting = settled.flatMap(waitingOf)
  await giveTurnsBack(tx, settled)
  await wakeAnswered(tx, clock, waiting)
  const hasSaid = waiting.length > 0 && (await onWaiting?.(tx, waiting)) === true
  const finished = settled.flatMap(finishedOf)
  const hasEnded = finished.length > 0 && (await onFinished?.(tx, finished)) === true
  const hasJoined = await joinGroups(tx, clock, settled)
  return hasSaid || hasEnded || hasJoined
}

/** Before the lease of a job is over, its programs have ended. */
function spared(leftMs: number | null, leaseMs: number): number | null {
  return leftMs === null ? null : leftMs - leaseMs / 60
}

function waitingOf({ row, status, detail }: Settled<JobRow, RunDetail>): WaitingJob[] {
  return status === 'waiting' && detail?.waits ? [{ row, waits: detail.waits }] : []
}

function finishedOf({ row, status, error, detail }: Settled<JobRow, RunDetail>): Finished[] {
  // How the job ended that it settles has been said.
  if (row.settles !== null && status !== 'failed') return []
  if (status === 'completed') return [{ job: toJob(row), outcome: 'completed', result: detail?.result }]
  if (status !== 'failed' && status !== 'cancelled') return []
  return [{ job: toJob(row), outcome: status, error: error ?? '' }]
}
