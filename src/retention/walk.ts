// Going through a table from its oldest row on, in batches that are short, with pauses between.
import { setTimeout as wait } from 'node:timers/promises'
import type { Database, Sql } from '../db/database.ts'
import { keepWorkEnded } from '../db/payload-pruned.ts'
import { holdLease } from './lease.ts'
import type { Step } from './steps.ts'

/** How a table is gone through. */
export type WalkOptions = {
  database: Database
  /** Whose the lease is. */
  owner: string
  /** Only counts. */
  dryRun?: boolean
  signal?: AbortSignal | undefined
  /** The events that are needed for good. */
  needed: readonly string[]
  /** The time to store with what is changed; null: the database's own. */
  at: Date | null
  /** Rests between two batches. Default: a timer. */
  rest?: ((ms: number, signal?: AbortSignal) => Promise<unknown>) | undefined
  /** Called after each batch. */
  onBatch?: ((done: Gone) => void) | undefined
}

/** What went. */
export type Gone = { rows: number; bytes: number }

/** `busy`: another node has the lease; `stopped`: it was aborted. */
export type Walked = Gone & { end: 'done' | 'busy' | 'stopped' }

// Measured with 200 webhooks a second: longer batches, and more rows in one, made the slowest
// hundredth of them wait. What waits for one of its rows, or for the disk, waits no longer.
const BATCH_MS = 6
const FIRST_ROWS = 30
const MAX_ROWS = 80
// Fewer are not faster where the machine is only busy; one that took long has rows that are large.
const LONG_MS = 80
const FEW_ROWS = 5
/** Of what only reads, for which nobody waits. */
const MAX_ROWS_READ = 2_000
/** Bytes of bodies in one batch, or a longer one. */
const MAX_BYTES = 1_000_000
/** So many times as long as it works it rests: it takes a fifteenth of one connection. */
const REST = 14
const MIN_REST_MS = 5
const MAX_REST_MS = 5_000

// What is lost with the machine is deleted again, so that no commit waits for the disk. And no
// batch reads a whole table, whatever is known of it: rows are found one by one, by their indexes.
const SETTINGS = `select set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
  set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`

type Batch = Gone & {
  examined: number
  last: { at: string; id: string; isOld: boolean } | null
  /** The time of the oldest row that is needed. */
  heldAt: string | null
}

function textOf({ rows, doomed, remove, removeWith, held, byId }: Step, dryRun: boolean): string {
  const order = byId ? 'r.id' : 'r.at, r.id'
  return `
with x as materialized (
  select * from (
    select r.*, sum(r.bytes) over (order by ${order}) as total, row_number() over (order by ${order}) as nth from (${rows}) as r
  ) as summed
  where total <= ${dryRun ? "'Infinity'::float8" : MAX_BYTES} or nth = 1
), doomed as materialized (${doomed})${removeWith === undefined || dryRun ? '' : `, also as (${removeWith})`},
removed as (${dryRun ? 'select from doomed' : remove})
select (select count(*)::int from x) as examined, (select count(*)::int from removed) as rows,
  (select coalesce(sum(bytes), 0)::float8 from doomed) as bytes,
  (select json_build_object('at', at::text, 'id', id::text, 'isOld', at < $1) from x order by nth desc limit 1) as last,
  (${held === undefined ? 'null::text' : `select min(at)::text from x where ${held}`}) as "heldAt"
where $5::uuid[] is not null and ($6::timestamptz is null or true)`
}

/**
 * Deletes what is older than `before` from a table. `from` is the time to begin at, and `maxBytes`
 * ends it early. `keepPlace` is called with the time to begin at next, in the transaction.
 */
export async function walk(
  step: Step,
  {
    before,
    from = '-infinity',
    maxBytes = Number.POSITIVE_INFINITY,
  }: { before: string; from?: string; maxBytes?: number },
  options: WalkOptions,
  keepPlace?: (tx: Sql, batch: Gone & { doneBefore: string | null }) => Promise<unknown>,
): Promise<Walked> {
  const { database, owner, dryRun = false, signal, needed, at, rest = timer, onBatch } = options
  const text = textOf(step, dryRun)
  const done: Gone = { rows: 0, bytes: 0 }
  let place = { at: from, id: step.firstId }
  let limit = dryRun ? MAX_ROWS_READ : FIRST_ROWS
  let heldAt: string | null = null
  for (;;) {
    if (signal?.aborted) return { ...done, end: 'stopped' }
    const started = performance.now()
    const batch = await database.transaction(async (tx): Promise<Batch | null> => {
      await tx.query(SETTINGS)
      if (!dryRun && !(await holdLease(tx, owner))) return null
      if (!dryRun && step.kind !== 'packed') await keepWorkEnded(tx)
      const { rows } = await tx.query<Batch>(text, [before, place.at, place.id, limit, needed, at])
      const batch = rows[0] as Batch
      heldAt ??= batch.heldAt
      await keepPlace?.(tx, { ...batch, doneBefore: heldAt ?? batch.last?.at ?? null })
      return batch
    })
    if (batch === null) return { ...done, end: 'busy' }
    done.rows += batch.rows
    done.bytes += batch.bytes
    onBatch?.(done)
    if (batch.last?.isOld !== true || done.bytes >= maxBytes) return { ...done, end: 'done' }
    place = batch.last
    if (dryRun) continue
    const ms = performance.now() - started
    limit = nextLimit(limit, { ms, examined: batch.examined, maxRows: step.maxRows ?? MAX_ROWS })
    // What only looks at rows that stay writes nothing.
    await rest(batch.rows === 0 ? MIN_REST_MS : Math.min(MAX_REST_MS, Math.max(MIN_REST_MS, ms * REST)), signal)
  }
}

/** How many rows the next batch has: half as many again at most, because rows differ. */
function nextLimit(limit: number, batch: { ms: number; examined: number; maxRows: number }): number {
  const { ms, examined, maxRows } = batch
  const grown = Math.ceil(limit * Math.min(1.5, BATCH_MS / ms))
  // Those that are large were all measured, and only some of them fitted in.
  if (examined < limit) return Math.min(limit, Math.max(FEW_ROWS, Math.ceil(examined * 1.5)))
  const least = ms > LONG_MS || limit < FIRST_ROWS ? FEW_ROWS : FIRST_ROWS
  return Math.min(maxRows, Math.ceil(limit * 1.5), Math.max(least, grown))
}

function timer(ms: number, signal?: AbortSignal): Promise<unknown> {
  return wait(ms, undefined, { signal }).catch(() => undefined)
}
