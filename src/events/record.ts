// The batched durable append: requests that arrive while a commit is on its way share the next one.
import { AppError } from '../lib/error.ts'
import type { Draft, Recorded } from './event.ts'

// Two commits in flight beat one and four (bench/ingest); the limits keep one statement and its
// memory small.
const COMMITS_IN_FLIGHT = 2
const MAX_BATCH_EVENTS = 64
const MAX_BATCH_BYTES = 4 * 1024 * 1024
// While commits hang, senders keep sending. Their bodies' memory has a limit of its own
// (http/body.ts).
const MAX_WAITING_EVENTS = 10_000

/**
 * Commits a batch, and returns what became of each event, in the same order. A batch that throws
 * may have been committed all the same, so writing an event again must find it there.
 */
export type WriteBatch = (drafts: readonly Draft[]) => Promise<Recorded[]>

/** The recorder: events go in one by one, and are committed together. */
export type Recorder = {
  /**
   * Resolves when the event's own commit is durable.
   * @throws AppError `database_unavailable` when nothing could be stored: the sender should repeat.
   */
  record(draft: Draft): Promise<Recorded>
  /** Resolves when nothing is waiting or in flight. */
  idle(): Promise<void>
}

type Waiting = { draft: Draft; resolve: (recorded: Recorded) => void; reject: (error: unknown) => void }

/** Opens the recorder. No timer: an event that arrives alone is committed at once. */
export function openRecorder(writeBatch: WriteBatch): Recorder {
  const waiting: Waiting[] = []
  let commitsInFlight = 0
  let eventsInFlight = 0
  let isScheduled = false
  let whenIdle: (() => void)[] = []

  function pump(): void {
    isScheduled = false
    while (isWorthACommit()) {
      const batch = takeBatch(waiting)
      commitsInFlight++
      eventsInFlight += batch.length
      void commit(writeBatch, batch).finally(() => {
        commitsInFlight--
        eventsInFlight -= batch.length
        pump()
      })
    }
    if (isIdle()) {
      for (const resolve of whenIdle) resolve()
      whenIdle = []
    }
  }

  // A second commit beside the first pays only when it has enough to do: at least half of what is
  // in flight.
  function isWorthACommit(): boolean {
    return waiting.length > 0 && commitsInFlight < COMMITS_IN_FLIGHT && 2 * waiting.length >= eventsInFlight
  }

  function isIdle(): boolean {
    return commitsInFlight === 0 && waiting.length === 0
  }

  return {
    record: (draft) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= MAX_WAITING_EVENTS) {
          reject(new AppError('database_unavailable', 'The database does not keep up: too many events wait for it.'))
          return
        }
        waiting.push({ draft, resolve, reject })
        if (isScheduled) return
        // The requests of this turn of the event loop share the commit.
        isScheduled = true
        setImmediate(pump)
      }),
    idle: () => (isIdle() ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
  }
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

async function commit(writeBatch: WriteBatch, batch: readonly Waiting[]): Promise<void> {
  try {
    const recorded = await writeBatch(batch.map(({ draft }) => draft))
    for (const [i, item] of batch.entries()) item.resolve(recorded[i] as Recorded)
  } catch (error) {
    if (batch.length === 1 || error instanceof AppError || isOfAll(error)) {
      for (const item of batch) item.reject(error)
      return
    }
    // One item the database refuses must not fail its neighbours: the batch is halved until the
    // item is alone.
    const middle = Math.ceil(batch.length / 2)
    await commit(writeBatch, batch.slice(0, middle))
    await commit(writeBatch, batch.slice(middle))
  }
}

// 55P03 a lock not granted in time, 57014 a statement ended by its time limit: no item is at
// fault, and every part of the batch would wait as long again.
function isOfAll(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '57014')
}
