// A worker: keeps up to `slots` rows of one table in hand, and asks the database only when there is
// a reason to.
import { setTimeout as sleep } from 'node:timers/promises'
import { isAway } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { claim, nextDue } from './claim.ts'
import type { Hook } from './hook.ts'
import { withHook } from './hook.ts'
import { Turns } from './loop.ts'
import { takeOver } from './reclaim.ts'
import { releaseUnknown, renew, settle } from './settle.ts'
import type { Claimed, Outcome, QueueTable, Try } from './table.ts'

export type WorkerOptions<Row extends object> = {
  database: Database
  clock: Clock
  log: Log
  table: QueueTable
  /** How many rows it has in hand at most. */
  slots: number
  leaseMs: number
  /** The longest it goes without looking, should every other wake-up be missed. */
  tickMs: number
  /**
   * Does the work. `signal` is aborted when the row is no longer its own, or on a drain. It may
   * throw `database_unavailable` before anything was done, which uses up no attempt; any other
   * throw is a bug: logged, and tried again with back-off.
   */
  handle(claimed: Claimed<Row>, signal: AbortSignal): Promise<Outcome>
  /**
   * Runs in the transaction that ends tries, those of lost workers included, so that what follows
   * from an end commits with it.
   */
  onSettled?: Hook
  /**
   * Tells workers of other processes that there may be something for them. Called often: the
   * receiver coalesces.
   */
  wake?: () => void
  owner?: string
}

type Held<Row extends object> = {
  claimed: Claimed<Row>
  abort: AbortController
  /** Aborts just before the lease could run out, should the database be away. */
  alarm: NodeJS.Timeout
  outcome: Outcome | null
  settleFailures: number
  done: Promise<void>
}

const RETRY_MS = 1000
const ABORT_GRACE_MS = 2000
/** How often ending a try is attempted before its row is left to its lease. */
const MAX_SETTLE_FAILURES = 30

/** The signal's reason when the row was taken over, cancelled or ended by hand. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

/** An open worker. It does nothing until `start`, or `tick` by `tick` in a test. */
export class Worker<Row extends object = object> {
  readonly owner: string
  readonly #options: WorkerOptions<Row>
  readonly #held = new Set<Held<Row>>()
  readonly #turns = new Turns((hurry) => this.#turn(hurry))
  /** Its statements run one after another: two at once over the same rows could deadlock. */
  #last: Promise<unknown> = Promise.resolve()
  #draining = false
  #renewals: NodeJS.Timeout | undefined
  #emptyClaims = 0
  /** A claim was sent and its answer has not come: it may own rows it does not know of. */
  #claimInDoubt = false

  constructor(options: WorkerOptions<Row>) {
    this.#options = options
    this.owner = options.owner ?? newId()
  }

  /** How many rows it has in hand. */
  running(): number {
    return this.#held.size
  }

  start(): void {
    this.#renewals = setInterval(() => void this.renew(), this.#options.leaseMs / 3)
    this.#turns.start()
  }

  /** There may be something new: look now. */
  nudge(): void {
    this.#turns.wake(true)
  }

  /**
   * One round by hand: takes over lost rows, claims what fits, runs it to its end; gives the number
   * of rows claimed.
   */
  async tick(): Promise<number> {
    const taken = await this.#alone(async () => {
      await takeOver(this.#options)
      return this.#claim()
    })
    await Promise.all(taken.map((held) => held.done))
    await this.#alone(() => this.#settleEnded())
    return taken.length
  }

  /** What its timer does every third of a lease. */
  renew(): Promise<void> {
    return this.#alone(() => this.#renew())
  }

  /**
   * Claims no more, gives running work `limitMs` to end, then aborts and releases the rest without
   * using up their attempt.
   */
  async drain({ limitMs = 25_000 } = {}): Promise<void> {
    this.#draining = true
    // A claim may be on its way.
    await this.#last
    await this.#idle(limitMs)
    for (const held of this.#held) held.abort.abort(new Error('The worker is shutting down.'))
    await this.#idle(ABORT_GRACE_MS)
    clearInterval(this.#renewals)
    await this.#alone(async () => {
      for (const held of this.#held) held.outcome ??= released
      await this.#settleEnded()
    })
    this.#turns.stop()
    this.#options.wake?.()
  }

  /** Resolves when nothing is in hand, or after `limitMs`. */
  async #idle(limitMs: number): Promise<void> {
    const limit = new AbortController()
    await Promise.race([
      Promise.all([...this.#held].map((held) => held.done)),
      sleep(limitMs, undefined, { signal: limit.signal }).catch(() => undefined),
    ])
    limit.abort()
    await this.#alone(() => this.#settleEnded())
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run)
    this.#last = result.catch(() => undefined)
    return result
  }

  async #turn(hurry: boolean): Promise<void> {
    try {
      await this.#alone(async () => {
        const ended = await this.#settleEnded()
        if (this.#draining || this.#free() === 0) return
        const claimed = hurry ? (await this.#claim()).length : 0
        if (this.#free() > 0) return this.#plan(claimed)
        // A group that was just freed may have more work than this worker has slots.
        if (ended) this.#options.wake?.()
      })
    } catch (error) {
      this.#options.log.warn({ error: errorText(error), table: this.#options.table.rows }, 'the queue cannot be read')
      this.#turns.wakeIn(RETRY_MS, true)
    }
  }

  /** Sets the timer for what comes next, or goes on at once. */
  async #plan(claimed: number): Promise<void> {
    const { database, table, clock, tickMs } = this.#options
    const { claimMs, lapseMs } = await nextDue(database, table, clock)
    if ((lapseMs ?? 1) <= 0) await takeOver(this.#options)
    if ((lapseMs ?? 1) <= 0 || (claimMs ?? 1) <= 0) {
      // Due, yet not claimed just now: another worker is taking it at this moment. Ask again, but
      // ever more slowly.
      this.#emptyClaims = claimed > 0 ? 0 : this.#emptyClaims + 1
      if (this.#emptyClaims <= 1) return this.#turns.wake(true)
      return this.#turns.wakeIn(Math.min(tickMs, 2 ** Math.min(this.#emptyClaims, 10)), true)
    }
    this.#emptyClaims = 0
    const retryMs = this.#unsettled().length > 0 ? RETRY_MS : tickMs
    this.#turns.wakeIn(Math.min(tickMs, retryMs, claimMs ?? tickMs, lapseMs ?? tickMs))
  }

  #unsettled(): Held<Row>[] {
    return [...this.#held].filter((held) => held.outcome !== null)
  }

  #free(): number {
    return this.#options.slots - this.#held.size
  }

  async #claim(): Promise<Held<Row>[]> {
    const { database, table, clock, leaseMs } = this.#options
    const limit = this.#free()
    if (this.#draining || limit <= 0) return []
    const { owner } = this
    if (this.#claimInDoubt) {
      const known = [...this.#held].map((held) => held.claimed.id)
      await releaseUnknown(database, table, clock, { owner, known })
    }
    this.#claimInDoubt = true
    const rows = await claim<Row>(database, table, clock, { owner, limit, leaseMs })
    this.#claimInDoubt = false
    return rows.map((claimed) => this.#take(claimed))
  }

  #take(claimed: Claimed<Row>): Held<Row> {
    const abort = new AbortController()
    const lapse = () => abort.abort(new LeaseLost('The lease ran out while the database was away.'))
    const alarm = setTimeout(lapse, this.#options.leaseMs * 0.9)
    const held: Held<Row> = { claimed, abort, alarm, outcome: null, settleFailures: 0, done: Promise.resolve() }
    this.#held.add(held)
    held.done = this.#work(held)
    return held
  }

  async #work(held: Held<Row>): Promise<void> {
    const { claimed, abort } = held
    let outcome: Outcome
    try {
      outcome = await this.#options.handle(claimed, abort.signal)
    } catch (error) {
      const delayMs = backoffMs(claimed.attempt, { baseMs: 1000, maxMs: 600_000 })
      if (!isAway(error)) this.#options.log.error({ err: error, id: claimed.id }, 'a handler threw')
      outcome = { kind: isAway(error) ? 'deferred' : 'retried', error: errorText(error), delayMs }
    }
    const stopped = this.#draining && abort.signal.aborted && outcome.kind !== 'completed'
    held.outcome ??= stopped ? released : outcome
    clearTimeout(held.alarm)
    this.#turns.wake(true)
  }

  async #renew(): Promise<void> {
    const { database, table, clock, leaseMs, log } = this.#options
    const open = [...this.#held].filter((held) => held.outcome === null)
    if (open.length === 0) return
    try {
      const tries = open.map((held) => tryOf(held.claimed))
      const mine = new Set((await renew(database, table, clock, { owner: this.owner, tries, leaseMs })).map(keyOf))
      for (const held of open) {
        if (!mine.has(keyOf(held.claimed))) held.abort.abort(new LeaseLost('The row was ended or taken over.'))
        // An alarm that was cleared meanwhile must not come back.
        else if (held.outcome === null) held.alarm.refresh()
      }
    } catch (error) {
      log.warn({ error: errorText(error), table: table.rows }, 'leases could not be renewed')
    }
  }

  /**
   * Ends all tries that have an outcome; one statement for all of them. Gives whether there were
   * any.
   */
  async #settleEnded(): Promise<boolean> {
    const ended = this.#unsettled()
    if (ended.length === 0) return false
    try {
      await this.#settle(ended)
    } catch (error) {
      if (isAway(error)) {
        this.#options.log.warn(
          { tries: ended.length, table: this.#options.table.rows },
          'ended tries wait for the database',
        )
        this.#turns.wakeIn(RETRY_MS, true)
        return true
      }
      // One of them may be at fault: they must not hold up each other.
      for (const held of ended) await this.#settle([held]).catch((error: unknown) => this.#putOff(held, error))
    }
    return true
  }

  async #settle(ended: Held<Row>[]): Promise<void> {
    const { database, table, clock, log, onSettled } = this.#options
    const tries = ended.map((held) => ({ ...tryOf(held.claimed), outcome: held.outcome ?? released }))
    const settled = await withHook(database, onSettled, (sql) =>
      settle(sql, table, clock, { owner: this.owner, ended: tries }),
    )
    for (const held of ended) this.#held.delete(held)
    if (settled.length === ended.length) return
    const mine = new Set(settled.map(keyOf))
    for (const { id, attempt } of tries.filter((one) => !mine.has(keyOf(one)))) {
      log.warn({ id, attempt, table: table.rows }, 'fenced: the row was no longer its own')
    }
  }

  #putOff(held: Held<Row>, error: unknown): void {
    held.settleFailures++
    this.#options.log.error({ err: error, id: held.claimed.id }, 'the end of a try could not be stored')
    if (held.settleFailures >= MAX_SETTLE_FAILURES) this.#held.delete(held)
    this.#turns.wakeIn(RETRY_MS)
  }
}

const released: Outcome = { kind: 'released', error: 'Released: the worker was shutting down.' }

function tryOf({ id, attempt }: Try): Try {
  return { id, attempt }
}
function keyOf({ id, attempt }: Try): string {
  return `${id}:${attempt}`
}

/** Opens a worker; `start` it, and `drain` it at the end. */
export function openWorker<Row extends object>(options: WorkerOptions<Row>): Worker<Row> {
  return new Worker(options)
}
