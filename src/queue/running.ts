// The attempts a worker has under way: each runs its handler, keeps its lease, and is settled.
import { isAway } from '../db/connection.ts'
import { backoffMs } from '../lib/backoff.ts'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { leaseTiming } from './lease.ts'
import type { Queue } from './queue.ts'
import type { Hooks } from './settle.ts'
import { settleWithHook } from './settle.ts'
import type { Attempt, Claimed, Handled, Outcome, Settled } from './table.ts'

/** How often ending an attempt is tried before its row is left to its lease. */
const MAX_SETTLE_FAILURES = 30
/** The back-off after a throw nobody expected. */
const BACKOFF = { baseMs: 1000, maxMs: 600_000 }
const released: Outcome = { kind: 'released', error: 'Released: the worker was shutting down.' }

/** The signal's reason when the row was reclaimed, cancelled or ended by hand. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

/** What running attempts need. */
export type RunningOptions<Row extends object, Detail> = Hooks<Row, Detail> & {
  log: Log
  queue: Queue<Row, Detail>
  owner: string
  leaseMs: number
  handle(claimed: Claimed<Row>, signal: AbortSignal): Promise<Handled<Detail>>
  /** Called when an attempt is ready to be settled. */
  onEnded: () => void
}

/** One attempt under way. */
export type Running<Row extends object, Detail> = {
  claimed: Claimed<Row>
  abort: AbortController
  /** Aborts before the lease could expire, should the database be away. */
  alarm: NodeJS.Timeout
  /** Null until its handler has ended. */
  handled: Handled<Detail> | null
  settleFailures: number
  done: Promise<void>
}

/** The running attempts of one worker. */
export class RunningAttempts<Row extends object, Detail> {
  readonly #options: RunningOptions<Row, Detail>
  readonly #all = new Set<Running<Row, Detail>>()

  constructor(options: RunningOptions<Row, Detail>) {
    this.#options = options
  }

  get size(): number {
    return this.#all.size
  }

  ids(): string[] {
    return [...this.#all].map(({ claimed }) => claimed.id)
  }

  /** Whether some have ended and are not settled. */
  hasEnded(): boolean {
    return this.#ended().length > 0
  }

  /** Starts a claimed row's handler. */
  begin(claimed: Claimed<Row>): Running<Row, Detail> {
    const abort = new AbortController()
    const expire = () => abort.abort(new LeaseLost('The lease could not be renewed: the database was away.'))
    const alarm = setTimeout(expire, leaseTiming(this.#options.leaseMs).alarmMs)
    const running = { claimed, abort, alarm, handled: null, settleFailures: 0, done: Promise.resolve() }
    this.#all.add(running)
    running.done = this.#run(running)
    return running
  }

  /** Resolves when every handler has ended. */
  async allDone(): Promise<void> {
    await Promise.all([...this.#all].map(({ done }) => done))
  }

  /** Asks every handler to end. */
  abort(reason: Error): void {
    for (const { abort } of this.#all) abort.abort(reason)
  }

  /** Releases those whose handler has not ended. */
  releaseRest(): void {
    for (const running of this.#all) running.handled ??= { outcome: released, detail: null }
  }

  /** Renews the leases of what runs, and aborts what is no longer the worker's. */
  async renew(): Promise<void> {
    const { database, queue, owner, leaseMs, log } = this.#options
    const open = [...this.#all].filter(({ handled }) => handled === null)
    if (open.length === 0) return
    try {
      const attempts = open.map(({ claimed }) => attemptOf(claimed))
      const mine = new Set((await queue.renew(database, { owner, attempts, leaseMs })).map(keyOf))
      for (const { claimed, abort, alarm, handled } of open) {
        if (!mine.has(keyOf(claimed))) abort.abort(new LeaseLost('The row was ended or reclaimed.'))
        // An alarm that was cleared meanwhile must not come back.
        else if (handled === null) alarm.refresh()
      }
    } catch (error) {
      log.warn({ error: errorText(error), attempts: open.length }, 'leases could not be renewed')
    }
  }

  /**
   * Settles all attempts that have ended, by one statement. Returns false when the database is
   * away or one of them could not be settled: they stay and are settled later.
   */
  async settleEnded(): Promise<boolean> {
    const ended = this.#ended()
    if (ended.length === 0) return true
    try {
      await this.#settle(ended)
      return true
    } catch (error) {
      if (isAway(error)) {
        this.#options.log.warn({ attempts: ended.length }, 'ended attempts wait for the database')
        return false
      }
    }
    // One of them may be at fault: they must not delay each other.
    let allSettled = true
    for (const running of ended) {
      await this.#settle([running]).catch((error: unknown) => {
        this.#countFailure(running, error)
        allSettled = false
      })
    }
    return allSettled
  }

  #ended(): Running<Row, Detail>[] {
    return [...this.#all].filter(({ handled }) => handled !== null)
  }

  async #run(running: Running<Row, Detail>): Promise<void> {
    const { claimed, abort } = running
    let handled: Handled<Detail>
    try {
      handled = await this.#options.handle(claimed, abort.signal)
    } catch (error) {
      if (!isAway(error)) this.#options.log.error({ err: error, id: claimed.id }, 'a handler threw')
      const delayMs = backoffMs(claimed.failures + 1, BACKOFF)
      const kind = isAway(error) ? 'deferred' : 'retried'
      handled = { outcome: { kind, error: errorText(error), delayMs }, detail: null }
    }
    // It was asked to end by its worker, which is no failure of its own. One that names a time to
    // come back at is not to be begun before that.
    const isStopped = abort.signal.aborted && !['completed', 'deferred'].includes(handled.outcome.kind)
    running.handled ??= isStopped ? { outcome: released, detail: handled.detail } : handled
    clearTimeout(running.alarm)
    this.#options.onEnded()
  }

  async #settle(ended: Running<Row, Detail>[]): Promise<void> {
    const { queue, owner, log } = this.#options
    const endings = ended.map(({ claimed, handled }) => ({
      ...attemptOf(claimed),
      outcome: handled?.outcome ?? released,
      detail: handled?.detail ?? null,
    }))
    const byKey = new Map(ended.map((running) => [keyOf(running.claimed), running]))
    const settled = await settleWithHook(this.#options, async (sql) =>
      (await queue.settle(sql, { owner, endings })).flatMap((one): Settled<Row, Detail>[] => {
        const running = byKey.get(keyOf(one))
        return running ? [{ ...one, row: running.claimed, detail: running.handled?.detail ?? null }] : []
      }),
    )
    for (const running of ended) this.#all.delete(running)
    const mine = new Set(settled.map(({ row }) => keyOf(row)))
    for (const { id, attempt } of endings.filter((one) => !mine.has(keyOf(one)))) {
      log.warn({ id, attempt }, 'fenced: the row was no longer its own')
    }
  }

  /** Keeps it for another settlement, unless there were too many: then its lease ends it. */
  #countFailure(running: Running<Row, Detail>, error: unknown): void {
    running.settleFailures++
    this.#options.log.error({ err: error, id: running.claimed.id }, 'the end of an attempt could not be stored')
    if (running.settleFailures >= MAX_SETTLE_FAILURES) this.#all.delete(running)
  }
}

function attemptOf({ id, attempt }: Attempt): Attempt {
  return { id, attempt }
}

function keyOf({ id, attempt }: Attempt): string {
  return `${id}:${attempt}`
}
