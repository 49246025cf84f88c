// The attempts a worker has under way: each runs its handler, keeps its lease, and is settled.
import { setTimeout as sleep } from 'node:timers/promises'
import { isAway, isOutOfTime } from '../db/connection.ts'
import type { Sql } from '../db/database.ts'
import { backoffMs } from '../lib/backoff.ts'
import { errorText } from '../lib/error.ts'
import type { Stopwatch } from '../lib/stopwatch.ts'
import { startStopwatch } from '../lib/stopwatch.ts'
import { within } from '../lib/within.ts'
import type { Lease } from './row-lease.ts'
import { rowLease } from './row-lease.ts'
import type { Running, RunningOptions } from './running-attempt.ts'
import { settleWithHook } from './settle.ts'
import type { Attempt, Claimed, Handled, Outcome, Settled } from './table.ts'

/** How often ending an attempt is tried before its row is left to its lease. */
const MAX_SETTLE_FAILURES = 30
/** The back-off after a throw nobody expected. */
const BACKOFF = { baseMs: 1000, maxMs: 600_000 }

/** The signal's reason when the row is no longer the worker's, or may soon not be. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

/** The running attempts of one worker. */
export class RunningAttempts<Row extends object, Detail> {
  readonly #options: RunningOptions<Row, Detail>
  readonly #all = new Set<Running<Row, Detail>>()
  /** The question that the alarms of all attempts share. */
  #asking: Promise<void> | undefined

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

  /** Starts the handler of a row; `leased` was started when its claim was sent. */
  begin(claimed: Claimed<Row>, leased: Stopwatch): Running<Row, Detail> {
    const abort = new AbortController()
    const done = Promise.resolve()
    const running: Running<Row, Detail> = {
      claimed,
      abort,
      leased,
      alarm: undefined,
      handled: null,
      settleFailures: 0,
      isLocked: false,
      done,
    }
    this.#all.add(running)
    this.#setAlarm(running)
    running.done = this.#run(running)
    return running
  }

  /**
   * How long the leases of all that runs last for sure; null when nothing runs. What is being
   * stopped because its lease is over does not count.
   */
  leaseLeftMs(): number | null {
    const open = this.#open().filter(({ abort: { signal } }) => !(signal.reason instanceof LeaseLost))
    const { leaseMs } = this.#options
    return open.length === 0 ? null : Math.min(...open.map(({ leased }) => leaseMs - leased.elapsedMs()))
  }

  /** Resolves when every handler has ended. */
  async allDone(): Promise<void> {
    await Promise.all([...this.#all].map(({ done }) => done))
  }

  /** Asks every handler to end. */
  abort(reason: Error): void {
    for (const { abort } of this.#all) abort.abort(reason)
  }

  /**
   * Renews the leases of what runs; aborts what is no longer the worker's, and what a person has
   * ended. Asks a second time when there is no answer: the connection may be dead.
   */
  async renew(): Promise<void> {
    await this.#renewOnce()
      .catch(() => this.#renewOnce())
      .catch((error: unknown) => {
        this.#options.log.warn(
          { error: errorText(error), attempts: this.#open().length },
          'leases could not be renewed',
        )
      })
  }

  /**
   * Settles all attempts that have ended, by one statement. Returns false when the database is
   * away or one of them could not be settled: they stay and are settled later.
   */
  async settleEnded(): Promise<boolean> {
    const ended = this.#ended().filter(({ isLocked }) => !isLocked)
    const { length: locked } = await this.#settleUnlocked()
    if (ended.length === 0) return locked === 0
    try {
      await this.#settle(ended)
      return locked === 0
    } catch (error) {
      if (isAway(error)) {
        // One of the rows may be locked by somebody else: the others must not wait for it again.
        if (isOutOfTime(error.cause)) for (const running of ended) running.isLocked = true
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

  #open(): Running<Row, Detail>[] {
    return [...this.#all].filter(({ handled }) => handled === null)
  }

  #ended(): Running<Row, Detail>[] {
    return [...this.#all].filter(({ handled }) => handled !== null)
  }

  /** @throws Error when there is no answer in time. */
  async #renewOnce(limitMs = this.#options.timing.answerMs): Promise<void> {
    const { clock, leases, queue, owner, leaseMs } = this.#options
    // Those that have ended and are not settled keep their rows, too.
    const all = [...this.#all]
    if (all.length === 0) return
    // The database counts from when it is asked, or from later.
    const sent = startStopwatch(clock)
    const attempts = all.map(({ claimed }) => attemptOf(claimed))
    const asked = queue.renew(leases, { owner, attempts, leaseMs })
    const answer = await within(limitMs, asked, 'The database did not answer.')
    const mine = new Map(answer.map((one) => [keyOf(one), one]))
    for (const running of all) running.isLocked = mine.get(keyOf(running.claimed))?.isRenewed === false
    // One that ended meanwhile may have been settled before it was asked for.
    for (const running of all.filter(({ handled }) => handled === null)) {
      const renewed = mine.get(keyOf(running.claimed))
      if (renewed === undefined) running.abort.abort(new LeaseLost('The row was reclaimed.'))
      else if (renewed.isEnding) running.abort.abort(new Error('It was ended by hand.'))
      // Without a renewal the alarm goes on ringing.
      if (running.isLocked) continue
      if (sent.startedAt > running.leased.startedAt) running.leased = sent
      this.#setAlarm(running)
    }
  }

  #setAlarm(running: Running<Row, Detail>): void {
    clearTimeout(running.alarm)
    const inMs = running.leased.startedAt + this.#options.timing.alarmMs - performance.now()
    running.alarm = setTimeout(() => this.#insist(running), Math.max(inMs, 0))
  }

  /**
   * Asks whether the row is still the worker's, and stops the work when no answer comes in time. It
   * may begin late, after a block of the event loop or a pause of the machine: a lease that has
   * expired can be renewed as long as nobody has reclaimed the row, and the first connection may
   * not have survived the pause.
   */
  async #insist(running: Running<Row, Detail>): Promise<void> {
    const { log, timing } = this.#options
    const { leased } = running
    const onTime = leased.startedAt + timing.abortMs - performance.now()
    const deadline = performance.now() + (onTime > 0 ? onTime : 2 * timing.answerMs)
    // Without an answer at once, a pause before the next question.
    const pauseMs = timing.answerMs / 10
    for (let leftMs = deadline - performance.now(); leftMs > pauseMs; leftMs = deadline - performance.now()) {
      await this.#ask(Math.min(leftMs, timing.answerMs))
      // Another renewal may have been answered while this one was not.
      if (running.leased !== leased || running.handled !== null || running.abort.signal.aborted) return
      await sleep(pauseMs)
    }
    if (running.leased !== leased || running.handled !== null) return
    log.warn({ id: running.claimed.id }, 'stopping work whose lease could not be renewed')
    const reason = running.isLocked ? 'somebody else has locked the row' : 'the database did not answer'
    running.abort.abort(new LeaseLost(`The lease could not be renewed: ${reason}.`))
  }

  /** Renews once, if there is an answer, for all alarms that ring together. */
  #ask(limitMs: number): Promise<void> {
    this.#asking ??= this.#renewOnce(limitMs)
      .catch(() => undefined)
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }

  #leaseOf(running: Running<Row, Detail>): Lease {
    const { leaseMs, timing } = this.#options
    const { signal } = running.abort
    return rowLease({ leased: () => running.leased, ask: (limitMs) => this.#ask(limitMs), signal, leaseMs, timing })
  }

  async #run(running: Running<Row, Detail>): Promise<void> {
    const { claimed, abort } = running
    let handled: Handled<Detail>
    try {
      handled = await this.#options.handle(claimed, abort.signal, this.#leaseOf(running))
    } catch (error) {
      if (!isAway(error)) this.#options.log.error({ err: error, id: claimed.id }, 'a handler threw')
      const delayMs = backoffMs(claimed.failures + 1, BACKOFF)
      const kind = isAway(error) ? 'deferred' : 'retried'
      handled = { outcome: { kind, error: errorText(error), delayMs }, detail: null }
    }
    // It was asked to end by its worker, which is no failure of its own. One that names a time to
    // come back at is not to be begun before that.
    const isStopped =
      abort.signal.aborted &&
      handled.wasDecided !== true &&
      !['completed', 'deferred', 'waiting'].includes(handled.outcome.kind)
    const outcome = isStopped ? releasedFor(abort.signal.reason) : handled.outcome
    running.handled = { outcome, detail: handled.detail }
    clearTimeout(running.alarm)
    this.#options.onEnded()
  }

  /** Settles those that had to wait for a lock and need not any more; returns the others. */
  async #settleUnlocked(): Promise<Running<Row, Detail>[]> {
    const { database, queue } = this.#options
    const waiting = this.#ended().filter(({ isLocked }) => isLocked)
    if (waiting.length === 0) return []
    const free = await database.transaction((tx) =>
      queue.lockFree(
        tx,
        waiting.map(({ claimed }) => claimed.id),
      ),
    )
    for (const running of waiting) running.isLocked = !free.has(running.claimed.id)
    const unlocked = waiting.filter(({ isLocked }) => !isLocked)
    if (unlocked.length > 0) await this.#settle(unlocked)
    return waiting.filter(({ isLocked }) => isLocked)
  }

  async #settle(ended: Running<Row, Detail>[]): Promise<void> {
    const { queue, owner, log, mustSee } = this.#options
    const endings = ended.flatMap(({ claimed, handled }) => (handled ? [{ ...attemptOf(claimed), ...handled }] : []))
    const byKey = new Map(ended.map((running) => [keyOf(running.claimed), running]))
    const end = async (sql: Sql) =>
      (await queue.settle(sql, { owner, endings })).flatMap((one): Settled<Row, Detail>[] => {
        const running = byKey.get(keyOf(one))
        return running ? [{ ...one, row: running.claimed, detail: running.handled?.detail ?? null }] : []
      })
    const isSeen = mustSee === undefined || endings.some(mustSee)
    const settled = await settleWithHook(this.#options, end, isSeen)
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

/** The outcome of an attempt that its worker has stopped, or never begun. */
export function releasedFor(reason: unknown): Outcome {
  return { kind: 'released', error: errorText(reason) }
}

function attemptOf({ id, attempt }: Attempt): Attempt {
  return { id, attempt }
}

function keyOf({ id, attempt }: Attempt): string {
  return `${id}:${attempt}`
}
