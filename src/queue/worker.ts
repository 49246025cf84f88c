// A worker: keeps up to `slots` rows of one table running, and asks the database only when there is
// a reason to.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import type { Stopwatch } from '../lib/stopwatch.ts'
import { startStopwatch } from '../lib/stopwatch.ts'
import { within } from '../lib/within.ts'
import type { Kinds } from './claim.ts'
import type { LeaseTiming } from './lease-timing.ts'
import { LEASE_MS, leaseTiming } from './lease-timing.ts'
import { Loop } from './loop.ts'
import type { Queue } from './queue.ts'
import { queueOn } from './queue.ts'
import { reclaim } from './reclaim.ts'
import type { Lease } from './row-lease.ts'
import { RunningAttempts, releasedFor } from './running.ts'
import type { Running } from './running-attempt.ts'
import type { Hooks } from './settle.ts'
import type { Claimed, Handled, QueueTable } from './table.ts'

export type WorkerOptions<Row extends object, Detail> = Hooks<Row, Detail> & {
  clock: Clock
  log: Log
  table: QueueTable<Detail>
  /** How many rows it runs at most. */
  slots: number
  /** How long a row stays its own without a sign of life. Default `LEASE_MS`. */
  leaseMs?: number | undefined
  /**
   * Connections for renewals alone, which must wait for nothing else. Default: those of `database`.
   */
  leases?: Database | undefined
  /** The kinds of rows it claims, where the table tells them apart. Default: all. */
  kinds?: Kinds
  /** The longest it goes without looking, should every nudge be missed. */
  tickMs: number
  /**
   * Does the work. `signal` is aborted when the row is no longer its own, or on a drain; what ends
   * after that without being completed is released. It may throw `database_unavailable` before
   * anything was done, which is no failure; any other throw is a bug: logged, and repeated with
   * back-off.
   */
  handle(claimed: Claimed<Row>, signal: AbortSignal, lease: Lease): Promise<Handled<Detail>>
  owner?: string | undefined
  /** Called with how long each row it begins was due. */
  onBegun?: ((waitedMs: number) => void) | undefined
  /**
   * How long a drain waits for what it has stopped before it leaves the row to its lease. The
   * default is the grace of `leaseTiming`, and a second.
   */
  abortedMs?: number
}

const RETRY_MS = 1000
const SAY_EVERY_MS = 60_000
const DRAIN_LIMIT_MS = 20_000
/** What a drain waits for the database, where it would otherwise wait for ever. */
const DRAIN_ANSWER_MS = 3000
/**
 * As long as claims find something, the next one comes with what ends or after this time, and when
 * more will be due is asked this often.
 */
const CLAIM_AGAIN_MS = 5
const PLAN_EVERY_MS = 100
const STOPPING = new Error('The worker is shutting down.')

/** An open worker. It does nothing until `start`, or `tick` by `tick` in a test. */
export class Worker<Row extends object = object, Detail = unknown> {
  readonly owner: string
  readonly #options: WorkerOptions<Row, Detail>
  readonly #leaseMs: number
  readonly #timing: LeaseTiming
  readonly #queue: Queue<Row, Detail>
  readonly #running: RunningAttempts<Row, Detail>
  readonly #loop = new Loop((claimNow) => this.#pass(claimNow))
  /** Its statements run one after another, except renewals. */
  #last: Promise<unknown> = Promise.resolve()
  #draining = false
  #renewals: Repeated | undefined
  #emptyClaims = 0
  #unread = { isSaid: false, saidAt: Number.NEGATIVE_INFINITY }
  #plannedAt = 0
  /** A claim was sent and its answer has not come: it may own rows it does not know of. */
  #claimInDoubt = false

  constructor(options: WorkerOptions<Row, Detail>) {
    const { leaseMs = LEASE_MS, owner = newId() } = options
    this.#options = options
    this.#leaseMs = leaseMs
    this.#timing = leaseTiming(leaseMs)
    this.owner = owner
    this.#queue = queueOn<Row, Detail>(options)
    this.#running = new RunningAttempts({
      ...options,
      leases: options.leases ?? options.database,
      leaseMs,
      timing: this.#timing,
      owner,
      queue: this.#queue,
      onEnded: () => this.#loop.nudge(true),
    })
  }

  /** How many rows it runs. */
  running(): number {
    return this.#running.size
  }

  start(): void {
    if (this.#draining) return
    const { log } = this.#options
    this.#renewals = every(this.#timing.renewMs, () => this.renew(), { log, name: 'renewal' })
    this.#loop.start()
  }

  /** There may be something new: look now. */
  nudge(): void {
    this.#loop.nudge(true)
  }

  /**
   * One pass by hand: reclaims expired rows, claims what fits, runs it to its end; returns the
   * number of rows claimed.
   */
  async tick(): Promise<number> {
    const begun = await this.#serialise(async () => {
      await this.#reclaim()
      return this.#claim()
    })
    await Promise.all(begun.map(({ done }) => done))
    await this.#serialise(() => this.#settleEnded())
    return begun.length
  }

  /** As `RunningAttempts.leaseLeftMs`. */
  leaseLeftMs(): number | null {
    return this.#running.leaseLeftMs()
  }

  /** What its timer does every third of a lease. */
  renew(): Promise<void> {
    return this.#running.renew()
  }

  /**
   * Claims no more, leaves running work `limitMs` (20 s) to end, then stops it. What has not ended
   * after its grace is left to its lease, because nobody may begin it while it still runs. Ends in
   * bounded time, whether the database answers or not.
   */
  async drain({ limitMs = DRAIN_LIMIT_MS } = {}): Promise<void> {
    this.#draining = true
    // A claim may be on its way.
    await this.#briefly(this.#last)
    await this.#allDone(limitMs)
    this.#running.abort(STOPPING)
    await this.#allDone(this.#options.abortedMs ?? this.#timing.drainGraceMs)
    await this.#briefly(Promise.all([this.#renewals?.close(), this.#serialise(() => this.#settleEnded())]))
    this.#loop.stop()
    this.#options.notify?.('same')
  }

  /** Resolves when nothing runs, or after `limitMs`. */
  async #allDone(limitMs: number): Promise<void> {
    const limit = new AbortController()
    const over = sleep(limitMs, undefined, { signal: limit.signal }).catch(() => undefined)
    await Promise.race([this.#running.allDone(), over])
    limit.abort()
  }

  async #briefly(work: Promise<unknown>): Promise<void> {
    try {
      await within(DRAIN_ANSWER_MS, work, 'The database did not answer.')
    } catch (error) {
      this.#options.log.warn({ error: errorText(error) }, 'a drain goes on without the database')
    }
  }

  #serialise<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run)
    this.#last = result.catch(() => undefined)
    return result
  }

  async #pass(claimNow: boolean): Promise<void> {
    try {
      await this.#serialise(async () => {
        const hadEnded = this.#running.hasEnded()
        await this.#settleEnded()
        if (!this.#draining && this.#free() > 0) {
          const claimed = claimNow ? (await this.#claim()).length : 0
          if (claimed > 0) this.#wasRead()
          if (this.#free() > 0) {
            await this.#plan(claimed)
            return this.#wasRead()
          }
        }
        // A group that was just freed may have more work than this worker can take.
        if (hadEnded) this.#options.notify?.('same')
      })
    } catch (error) {
      this.#wasNotRead(error)
      this.#loop.nudgeIn(RETRY_MS, true)
    }
  }

  /** Said once a minute at most. */
  #wasNotRead(error: unknown): void {
    if (performance.now() < this.#unread.saidAt + SAY_EVERY_MS) return
    this.#unread = { isSaid: true, saidAt: performance.now() }
    const { log, table } = this.#options
    log.warn({ error: errorText(error), table: table.rows }, 'the queue cannot be read')
  }

  #wasRead(): void {
    if (!this.#unread.isSaid) return
    this.#unread.isSaid = false
    this.#options.log.info({ table: this.#options.table.rows }, 'the queue can be read again')
  }

  /** Sets the timer for what comes next, or goes on at once. */
  async #plan(claimed: number): Promise<void> {
    if (claimed > 0 && performance.now() < this.#plannedAt + PLAN_EVERY_MS) {
      this.#loop.nudgeIn(CLAIM_AGAIN_MS, true)
      return
    }
    const { database, kinds, tickMs } = this.#options
    this.#plannedAt = performance.now()
    const { claimMs, expiryMs, againMs } = await this.#queue.nextDue(database, { kinds })
    if ((expiryMs ?? 1) <= 0) await this.#reclaim()
    if ((expiryMs ?? 1) <= 0 || (claimMs ?? 1) <= 0) {
      // Due, yet not claimed just now: another worker is taking it at this moment. Ask again, but
      // ever more slowly.
      this.#emptyClaims = claimed > 0 ? 0 : this.#emptyClaims + 1
      if (this.#emptyClaims <= 1) return this.#loop.nudge(true)
      return this.#loop.nudgeIn(Math.min(tickMs, 2 ** Math.min(this.#emptyClaims, 10)), true)
    }
    this.#emptyClaims = 0
    const retryMs = this.#running.hasEnded() ? RETRY_MS : tickMs
    this.#loop.nudgeIn(Math.min(...[retryMs, claimMs, expiryMs, againMs].map((ms) => ms ?? tickMs)))
  }

  #free(): number {
    return this.#options.slots - this.#running.size
  }

  #reclaim(): Promise<void> {
    const except = this.#running.ids()
    return reclaim({ ...this.#options, queue: this.#queue, leaseMs: this.#leaseMs, except })
  }

  async #claim(): Promise<Running<Row, Detail>[]> {
    const limit = this.#free()
    if (this.#draining || limit <= 0) return []
    const { database, kinds } = this.#options
    const { owner } = this
    if (this.#claimInDoubt) await this.#queue.releaseUnclaimed(database, { owner, known: this.#running.ids() })
    this.#claimInDoubt = true
    const sent = startStopwatch(this.#options.clock)
    const rows = await this.#queue.claim(database, { owner, limit, leaseMs: this.#leaseMs, kinds })
    this.#claimInDoubt = false
    if (!this.#draining) return rows.map((claimed) => this.#begin(claimed, sent))
    const endings = rows.map((row) => ({ ...row, outcome: releasedFor(STOPPING), detail: null }))
    if (endings.length > 0) await this.#queue.settle(database, { owner, endings })
    return []
  }

  #begin(claimed: Claimed<Row>, sent: Stopwatch): Running<Row, Detail> {
    this.#options.onBegun?.(claimed.waited_ms)
    return this.#running.begin(claimed, sent)
  }

  async #settleEnded(): Promise<void> {
    if (!(await this.#running.settleEnded())) this.#loop.nudgeIn(RETRY_MS, true)
  }
}

/** Opens a worker; `start` it, and `drain` it at the end. */
export function openWorker<Row extends object, Detail = unknown>(
  options: WorkerOptions<Row, Detail>,
): Worker<Row, Detail> {
  return new Worker(options)
}
