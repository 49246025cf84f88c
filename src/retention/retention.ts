// What the service does by itself: packs bodies, and deletes what is too old or too much.

import { isAway } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { releaseLease } from './lease.ts'
import type { Limits } from './limits.ts'
import { KINDS } from './limits.ts'
import { needsPacking, pack } from './pack.ts'
import { isDue, noteRun } from './places.ts'
import type { Pruned } from './prune.ts'
import { prune, pruneBytes } from './prune.ts'
import { databaseBytes, usedBytes } from './size.ts'
import type { WalkOptions } from './walk.ts'

const LOOK_MS = 60_000
const PRUNE_MINUTES = 60

export type RetentionOptions = {
  /** Connections of its own. */
  database: Database
  clock: Clock
  log: Log
  limits: Limits
  /** The node that does so. */
  owner: string
  rest?: WalkOptions['rest']
}

/** Keeps the tables small, from `start` on; or `tick` by `tick` in a test. */
export type Retention = {
  start(): void
  /** Does what is due. */
  tick(signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Opens it. It does nothing until `start`. */
export function openRetention({ database, owner, clock, log, limits, rest }: RetentionOptions): Retention {
  const wishes = KINDS.map((kind) => ({ kind, days: limits.days[kind] })).filter(({ days }) => days > 0)
  let repeated: Repeated | undefined

  async function tick(signal?: AbortSignal): Promise<void> {
    const options = { database, owner, signal, rest, at: clock.sqlNow() }
    try {
      if ((await needsPacking(database)) && (await pack(options)).end !== 'done') return
      if (!(await keepBelow(options)) || wishes.length === 0) return
      const kinds = wishes.map(({ kind }) => kind)
      if (!(await isDue(database, kinds, PRUNE_MINUTES, clock.sqlNow()))) return
      const pruned = await prune(wishes, options)
      report(pruned)
      if (pruned.end === 'done') await noteRun(database, kinds, clock.sqlNow())
    } finally {
      await releaseLease(database, owner)
    }
  }

  /** Deletes the oldest bodies while there is too much; false: another node does. */
  async function keepBelow(options: Omit<WalkOptions, 'needed'>): Promise<boolean> {
    const { maxBytes } = limits
    if (maxBytes === null || (await databaseBytes(database)) <= maxBytes) return true
    const excess = (await usedBytes(database)) - maxBytes
    if (excess <= 0) return true
    const { rows, bytes, end } = await pruneBytes(excess, options)
    if (rows > 0)
      log.info(
        { kind: 'bodies', rows, bytes },
        `deleted the oldest bodies, because the database was too large: ${rows}`,
      )
    if (end === 'done' && bytes < excess) {
      log.warn(
        { excess: Math.round(excess - bytes) },
        'the database is larger than RETENTION_MAX_GB, and has no old bodies',
      )
    }
    return end === 'done'
  }

  function report({ kinds }: Pruned): void {
    for (const { kind, days, rows, bytes } of kinds) {
      if (rows > 0) log.info({ kind, rows, bytes }, `deleted ${kind} older than ${days} days: ${rows}`)
    }
  }

  return {
    tick,
    start() {
      const look = (signal: AbortSignal) =>
        tick(signal).catch((error: unknown) => {
          // Who cannot reach the database says so elsewhere.
          if (!isAway(error)) throw error
        })
      repeated = every(LOOK_MS, look, { log, name: 'retention' })
    },
    close: async () => repeated?.close(),
  }
}
