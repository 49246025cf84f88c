// Events that other programs emitted in their own transactions on this database: taken from their
// table and recorded, in one transaction, in the order in which they were emitted.
import { isAway } from '../db/connection.ts'
import type { Database, Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError, errorText } from '../lib/error.ts'
import { parseJson } from '../lib/json-body.ts'
import type { Log } from '../lib/log.ts'
import { Loop } from '../queue/loop.ts'
import type { Emitted } from './emitted.ts'
import { draftOf, problemOf, rejectedDraft } from './emitted.ts'
import type { Draft, Recorded } from './event.ts'

/** What taking emitted events needs from the rest of the program. */
export type OutboxOptions = {
  database: Database
  clock: Clock
  log: Log
  /** The longest it goes without looking, should a notification be lost. */
  tickMs: number
  /** Why no event of this type can be emitted; null when it can. */
  typeProblem(type: string): string | null
  /** Whether an event of this type records a deployment. */
  isDeployment(type: string): boolean
  recordIn(tx: Sql, drafts: readonly Draft[]): Promise<readonly Recorded[]>
  /** Records a deployment in the transaction. It writes nothing before it throws an AppError. */
  recordDeployment(
    tx: Sql,
    deployment: { id: string; request: unknown; idempotencyKey: string | null },
  ): Promise<unknown>
  /** Notifies the workers, after a commit that made jobs or deliveries. */
  onWork(): void
}

/** Takes what was emitted, from `start` to `drain`; or `tick` by `tick` in a test. */
export type Outbox = {
  start(): void
  /** There may be something new: look now. */
  nudge(): void
  /** Takes everything there is, and returns how many events that were. */
  tick(): Promise<number>
  /** Resolves when it has stopped. */
  drain(): Promise<void>
}

const MAX_BATCH = 100
const MAX_BATCH_BYTES = 4_000_000
// Whoever emits while a row waits does not notify, so there is a look soon after every find.
const LOOK_AGAIN_MS = 100

// Two-part advisory locks, as those of deployments. One process at a time takes, so that the order
// is kept; when it dies, its connection ends and with it the lock.
const OUTBOX_LOCK = 7_420_003
const LOCK = 'select pg_try_advisory_xact_lock($1, 0) as "isOurs"'
// Skipping rows that somebody looks at with a lock of their own.
const TAKE = `
with waiting as materialized (
  select * from signalbox.outbox order by position limit $1 for update skip locked
), sized as (
  select *, sum(octet_length(payload::text)) over (order by position) - octet_length(payload::text) as before
  from waiting
)
select position, id, type, payload::text as payload, idempotency_key as "idempotencyKey", project, app, environment,
  subject
from sized where before < $2 order by position`
const REMOVE = 'delete from signalbox.outbox where position = any($1::bigint[])'

/** Opens the taker of emitted events. It does nothing until `start`. */
export function openOutbox(options: OutboxOptions): Outbox {
  const { database, log, tickMs, onWork } = options
  let isDraining = false
  let pauseMs = tickMs
  let pass: Promise<void> = Promise.resolve()

  async function tick(): Promise<number> {
    let taken = 0
    for (let count = await takeSome(); count > 0 && !isDraining; count = await takeSome()) taken += count
    return taken
  }

  /** Takes some events; one by one when there is one among them that cannot be recorded. */
  async function takeSome(): Promise<number> {
    try {
      return await take({ limit: MAX_BATCH })
    } catch (error) {
      if (!isOfTheEvent(error)) throw error
      let taken = 0
      while (taken < MAX_BATCH && !isDraining && (await takeOne()) > 0) taken++
      return taken
    }
  }

  async function takeOne(): Promise<number> {
    try {
      return await take({ limit: 1 })
    } catch (error) {
      if (!isOfTheEvent(error)) throw error
      log.error({ err: error }, 'an emitted event cannot be recorded')
      return take({ limit: 1, problem: errorText(error) })
    }
  }

  async function take(how: { limit: number; problem?: string }): Promise<number> {
    const { count, hasWork } = await database.transaction(async (tx) => {
      const { rows: locks } = await tx.query<{ isOurs: boolean }>(LOCK, [OUTBOX_LOCK])
      if (locks[0]?.isOurs !== true) return { count: 0, hasWork: false }
      const { rows } = await tx.query<Emitted>(TAKE, [how.limit, MAX_BATCH_BYTES])
      const batch = firstBatch(rows, options)
      if (batch.length === 0) return { count: 0, hasWork: false }
      const hasWork = await recordBatch(tx, batch, { ...options, problem: how.problem })
      await tx.query(REMOVE, [batch.map(({ position }) => position)])
      return { count: batch.length, hasWork }
    })
    if (hasWork) onWork()
    return count
  }

  const loop = new Loop(() => {
    pass = tick().then(
      (taken) => {
        pauseMs = taken > 0 ? LOOK_AGAIN_MS : Math.min(pauseMs * 2, tickMs)
      },
      (error: unknown) => log.warn({ error: errorText(error) }, 'emitted events cannot be taken; they wait'),
    )
    return pass.then(() => loop.nudgeIn(pauseMs, true))
  })
  return {
    start: () => loop.start(),
    nudge: () => loop.nudge(true),
    tick,
    async drain() {
      isDraining = true
      loop.stop()
      await pass
    },
  }
}

/**
 * What is recorded together: everything before the first deployment, or that alone. One statement
 * records a batch, and its jobs and deliveries keep its order; those of one transaction all have
 * its time.
 */
function firstBatch(rows: readonly Emitted[], { isDeployment }: Pick<OutboxOptions, 'isDeployment'>): Emitted[] {
  const at = rows.findIndex(({ type }) => isDeployment(type))
  return rows.slice(0, at === -1 ? undefined : Math.max(at, 1))
}

/** Whether recording failed because of what was emitted, and not of the database. */
function isOfTheEvent(error: unknown): boolean {
  if (isAway(error) || !(error instanceof Error)) return false
  const { code } = error as { code?: unknown }
  // PostgreSQL's classes: invalid data, a violated constraint, a limit of the program exceeded.
  return typeof code !== 'string' || /^(?:22|23|54)/.test(code)
}

type RecordOptions = OutboxOptions & { problem: string | undefined }

/** Records a batch, and returns whether there is work for others. */
async function recordBatch(tx: Sql, batch: readonly Emitted[], options: RecordOptions): Promise<boolean> {
  const [first] = batch
  if (first !== undefined && options.isDeployment(first.type) && options.problem === undefined) {
    const problem = await deploymentProblem(tx, first, options)
    if (problem === null) return true
    await options.recordIn(tx, [refuse(first, problem, options)])
    return false
  }
  const recorded = await options.recordIn(
    tx,
    batch.map((emitted) => {
      const problem = options.problem ?? problemOf(emitted, options)
      return problem === null ? draftOf(emitted) : refuse(emitted, problem, options)
    }),
  )
  return recorded.some(({ status }) => status === 'routed')
}

/** Records a deployment; returns why not when it was emitted with a mistake. */
async function deploymentProblem(tx: Sql, emitted: Emitted, options: OutboxOptions): Promise<string | null> {
  const { id, payload, idempotencyKey } = emitted
  try {
    const request = parseJson(Buffer.from(payload))
    await options.recordDeployment(tx, { id, request, idempotencyKey })
    return null
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'database_unavailable') throw error
    return `${error.code}: ${error.detail}`
  }
}

function refuse(emitted: Emitted, problem: string, { log }: Pick<OutboxOptions, 'log'>): Draft {
  const draft = rejectedDraft(emitted, problem)
  log.warn({ about: { id: emitted.id } }, `an emitted event was refused: ${draft.rejected}`)
  return draft
}
