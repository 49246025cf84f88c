// The batched durable append: requests that arrive while a commit is on its way share the next one.
import type { Database, Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import type { Draft, NewEvent, Recorded, Router } from './event.ts'
import type { Earlier } from './insert.ts'
import { deliveryKey, insertEvents, recordedBefore } from './insert.ts'

// Two commits in flight beat one and four (bench/ingest); the limits keep one statement and its
// memory small.
const COMMITS_IN_FLIGHT = 2
const MAX_BATCH_EVENTS = 64
const MAX_BATCH_BYTES = 4 * 1024 * 1024
const MAX_STALE_RETRIES = 10
// While commits hang, senders keep sending. Their bodies' memory has a limit of its own
// (http/body.ts).
const MAX_WAITING_EVENTS = 10_000

type Waiting = { draft: Draft; resolve: (recorded: Recorded) => void; reject: (error: unknown) => void }

/**
 * What `openRecorder` needs: `router` says what follows from a draft, `onWork` is told after a
 * commit that made jobs or deliveries.
 */
export type RecorderOptions = { database: Database; clock: Clock; router: Router; onWork: () => void }

/**
 * The recorder: `record` resolves when the event's own commit is durable; `recordIn` records inside
 * a transaction of the caller's.
 */
export type Recorder = {
  /**
   * @throws AppError `database_unavailable` when nothing could be stored: the sender should repeat.
   */
  record(draft: Draft): Promise<Recorded>
  /**
   * Records inside the caller's transaction; the caller tells of new work itself, once it has
   * committed.
   */
  recordIn(tx: Sql, drafts: readonly Draft[]): Promise<Recorded[]>
  /** Resolves when nothing is waiting or in flight. */
  idle(): Promise<void>
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

/** Writes drafts as they are routed now; routes them anew when the endpoints changed in between. */
async function write(sql: Sql, clock: Clock, router: Router, drafts: readonly Draft[]) {
  for (let tries = 0; tries < MAX_STALE_RETRIES; tries++) {
    const version = router.version()
    const events = drafts.map((draft): NewEvent => ({ ...draft, ...router.route(draft) }))
    const inserted = await insertEvents(sql, clock, events, version)
    if (inserted.version === version) {
      for (const { id, alongside } of events) if (inserted.ids.has(id)) await alongside?.(sql, id)
      return { events, ids: inserted.ids }
    }
    await router.reload(sql)
  }
  throw new AppError('database_unavailable', 'The endpoints kept changing while events were being recorded.')
}

async function toRecorded(sql: Sql, events: readonly NewEvent[], ids: ReadonlySet<string>): Promise<Recorded[]> {
  const repeats = events.filter((event) => !ids.has(event.id))
  const before = repeats.length === 0 ? new Map<string, Earlier>() : await recordedBefore(sql, repeats)
  return events.map((event) => {
    const { id, status, reason } = before.get(deliveryKey(event.source, event.deliveryId)) ?? event
    const isNew = ids.has(event.id)
    const jobIds = isNew ? event.jobs.map((job) => job.id) : []
    return { id, duplicate: !isNew, status, reason, jobIds }
  })
}

function hasWork(events: readonly NewEvent[], ids: ReadonlySet<string>): boolean {
  return events.some((event) => ids.has(event.id) && event.jobs.length + event.deliveries.length > 0)
}

/**
 * Opens the recorder over a database. No timer: an event that arrives alone is committed at once.
 */
export function openRecorder({ database, clock, router, onWork }: RecorderOptions): Recorder {
  const waiting: Waiting[] = []
  let inFlight = 0
  let whenIdle: (() => void)[] = []

  const writeBatch = async (drafts: readonly Draft[]): Promise<Recorded[]> => {
    // One statement is its own transaction; only what else must commit with an event needs one
    // spelled out.
    const { events, ids } = drafts.some((draft) => draft.alongside)
      ? await database.transaction((tx) => write(tx, clock, router, drafts))
      : await write(database, clock, router, drafts)
    if (hasWork(events, ids)) onWork()
    return toRecorded(database, events, ids)
  }

  const commit = async (batch: Waiting[]): Promise<void> => {
    try {
      const recorded = await writeBatch(batch.map(({ draft }) => draft))
      for (const [i, item] of batch.entries()) item.resolve(recorded[i] as Recorded)
    } catch (error) {
      if (batch.length === 1 || error instanceof AppError) {
        for (const item of batch) item.reject(error)
        return
      }
      // One item the database refuses must not fail its neighbours: halves until it stands alone.
      const middle = Math.ceil(batch.length / 2)
      await commit(batch.slice(0, middle))
      await commit(batch.slice(middle))
    }
  }

  const pump = (): void => {
    while (inFlight < COMMITS_IN_FLIGHT && waiting.length > 0) {
      inFlight++
      void commit(takeBatch(waiting)).finally(() => {
        inFlight--
        pump()
      })
    }
    if (inFlight === 0 && waiting.length === 0) {
      for (const tell of whenIdle) tell()
      whenIdle = []
    }
  }

  return {
    record: (draft) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= MAX_WAITING_EVENTS) {
          reject(new AppError('database_unavailable', 'The database does not keep up: too many events wait for it.'))
          return
        }
        waiting.push({ draft, resolve, reject })
        // The requests of this turn of the event loop share the commit.
        if (waiting.length === 1) setImmediate(pump)
      }),
    async recordIn(tx, drafts) {
      const { events, ids } = await write(tx, clock, router, drafts)
      return toRecorded(tx, events, ids)
    },
    idle: () =>
      inFlight === 0 && waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve)),
  }
}
