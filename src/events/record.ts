// The batched durable append: requests that arrive while a commit is on its way share the next one.
// While the database is away they wait for it.
import { isAway } from '../db/connection.ts'
import { PATIENCE_MS, pauseMs } from '../db/patience.ts'
import { AppError } from '../lib/error.ts'
import type { Draft, Recorded } from './event.ts'

// Two commits in flight beat one and four (bench/ingest); the limits keep one statement and its
// memory small.
const COMMITS_IN_FLIGHT = 2
const MAX_BATCH_EVENTS = 64
const MAX_BATCH_BYTES = 4 * 1024 * 1024
// While the database is away, senders keep sending.
const MAX_WAITING_EVENTS = 10_000
const MAX_WAITING_BYTES = 256 * 1024 * 1024
const SWEEP_MS = 250
// For longer it says nothing of the next commit: nobody may have sent anything since.
const FAILURE_COUNTS_MS = 3_000

/**
 * Commits a batch, and returns what became of each event, in the same order. A batch that throws
 * may have been committed all the same, so writing an event again must find it there.
 */
export type WriteBatch = (drafts: readonly Draft[]) => Promise<Recorded[]>

/** The recorder: events go in one by one, and are committed together. */
export type Recorder = {
  /**
   * Resolves when the event's own commit is durable.
   * @throws AppError `database_unavailable` when the database was away for longer than the sender
   * waits, or too many events wait for it.
   */
  record(draft: Draft): Promise<Recorded>
  /** Resolves when nothing is waiting or in flight. */
  idle(): Promise<void>
  /** Why the last commit failed, when the database was away then, within the last three seconds. */
  failure(): unknown
}

/** How long an event waits for a database that is away, and the time it is counted by. */
export type RecorderOptions = {
  /** Default 9 s. */
  patienceMs?: number | undefined
  now?: () => number
  /** Runs something later. */
  later?: (run: () => void, ms: number) => void
}

type Waiting = {
  draft: Draft
  /** When its sender gets the answer that nothing is known of it. */
  until: number
  resolve: (recorded: Recorded) => void
  reject: (error: unknown) => void
}

function unreferenced(run: () => void, ms: number): void {
  setTimeout(run, ms).unref()
}

/** Opens the recorder. An event that arrives alone is committed at once. */
export function openRecorder(writeBatch: WriteBatch, options: RecorderOptions = {}): Recorder {
  const recorder = new BatchRecorder(writeBatch, options)
  return { record: (draft) => recorder.record(draft), idle: () => recorder.idle(), failure: () => recorder.failure() }
}

class BatchRecorder implements Recorder {
  readonly #writeBatch: WriteBatch
  readonly #options: Required<{ [K in keyof RecorderOptions]: NonNullable<RecorderOptions[K]> }>
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #inFlight: (readonly Waiting[])[] = []
  #eventsInFlight = 0
  #isScheduled = false
  #isSweeping = false
  /** How often in a row the database was away, and whether the next attempt is being waited for. */
  #failures = 0
  #isPausing = false
  #lastError: unknown
  #failedAt = 0
  #whenIdle: (() => void)[] = []

  constructor(writeBatch: WriteBatch, options: RecorderOptions) {
    const { patienceMs = PATIENCE_MS, now = () => performance.now(), later = unreferenced } = options
    this.#writeBatch = writeBatch
    this.#options = { patienceMs, now, later }
  }

  record(draft: Draft): Promise<Recorded> {
    const { patienceMs, now } = this.#options
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= MAX_WAITING_EVENTS || this.#waitingBytes >= MAX_WAITING_BYTES) {
        reject(new AppError('database_unavailable', 'The database does not keep up: too many events wait for it.'))
        return
      }
      this.#waiting.push({ draft, until: now() + patienceMs, resolve, reject })
      this.#waitingBytes += draft.body?.byteLength ?? 0
      if (!this.#isSweeping) this.#sweepLater()
      if (this.#isScheduled) return
      // The requests of this turn of the event loop share the commit.
      this.#isScheduled = true
      setImmediate(() => this.#pump())
    })
  }

  idle(): Promise<void> {
    return this.#isIdle() ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  failure(): unknown {
    const isRecent = this.#options.now() < this.#failedAt + FAILURE_COUNTS_MS
    return this.#failures > 0 && isRecent ? this.#lastError : null
  }

  #isIdle(): boolean {
    return this.#inFlight.length === 0 && this.#waiting.length === 0
  }

  #pump(): void {
    this.#isScheduled = false
    while (this.#isWorthACommit()) {
      const batch = takeBatch(this.#waiting)
      this.#waitingBytes -= bytesOf(batch)
      this.#eventsInFlight += batch.length
      this.#inFlight.push(batch)
      void this.#commit(batch).finally(() => {
        this.#inFlight = this.#inFlight.filter((other) => other !== batch)
        this.#eventsInFlight -= batch.length
        this.#pump()
      })
    }
    if (!this.#isIdle()) return
    for (const resolve of this.#whenIdle) resolve()
    this.#whenIdle = []
  }

  // A second commit beside the first pays only when it has enough to do: at least half of what is
  // in flight. After a failure one commit looks whether the database is back.
  #isWorthACommit(): boolean {
    if (this.#waiting.length === 0 || this.#isPausing) return false
    if (this.#failures > 0) return this.#inFlight.length === 0
    return this.#inFlight.length < COMMITS_IN_FLIGHT && 2 * this.#waiting.length >= this.#eventsInFlight
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const recorded = await this.#writeBatch(batch.map(({ draft }) => draft))
      this.#failures = 0
      this.#lastError = undefined
      for (const [i, item] of batch.entries()) item.resolve(recorded[i] as Recorded)
    } catch (error) {
      if (isAway(error)) return this.#hold(batch, error)
      if (batch.length === 1 || error instanceof AppError) {
        for (const item of batch) item.reject(error)
        return
      }
      // One item the database refuses must not fail its neighbours: the batch is halved until the
      // item is alone.
      const middle = Math.ceil(batch.length / 2)
      await this.#commit(batch.slice(0, middle))
      await this.#commit(batch.slice(middle))
    }
  }

  /** Puts a batch back, in the order of arrival, to be written again after a pause. */
  #hold(batch: readonly Waiting[], error: unknown): void {
    this.#lastError = error
    this.#failedAt = this.#options.now()
    this.#waiting = [...batch, ...this.#waiting].sort((a, b) => a.until - b.until)
    this.#expire()
    if (this.#isPausing) return
    this.#isPausing = true
    this.#failures++
    this.#options.later(() => {
      this.#isPausing = false
      this.#pump()
    }, pauseMs(this.#failures))
  }

  /** Answers those whose sender will wait no longer, also while a commit of theirs hangs. */
  #expire(): void {
    const time = this.#options.now()
    const error = this.#lastError ?? new AppError('database_unavailable', 'The database took too long to answer.')
    const isOver = ({ until }: Waiting) => until <= time
    for (const item of [...this.#inFlight, this.#waiting].flat().filter(isOver)) item.reject(error)
    this.#waiting = this.#waiting.filter((item) => !isOver(item))
    this.#waitingBytes = bytesOf(this.#waiting)
  }

  #sweepLater(): void {
    this.#isSweeping = true
    this.#options.later(() => {
      this.#expire()
      this.#pump()
      if (this.#isIdle()) this.#isSweeping = false
      else this.#sweepLater()
    }, SWEEP_MS)
  }
}

function bytesOf(items: readonly Waiting[]): number {
  return items.reduce((sum, { draft }) => sum + (draft.body?.byteLength ?? 0), 0)
}

function takeBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  for (const { draft } of waiting) {
    bytes += draft.body?.byteLength ?? 0
    if (count > 0 && (bytes > MAX_BATCH_BYTES || count >= MAX_BATCH_EVENTS)) break
    count++
  }
  return waiting.splice(0, count)
}
