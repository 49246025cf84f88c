// The connections of a service, in pools of their own for each use, so that none of them can keep
// the others waiting.
import type { Log } from '../lib/log.ts'
import type { Database } from './database.ts'
import type { PoolOptions } from './postgres.ts'
import { openDatabase } from './postgres.ts'

/** Connections of all workers together: one for each slot up to ten, and one more. */
const MAX_FOR_SLOTS = 10

/** How many connections each pool opens at most, beside the store's own three and the listener. */
const CONNECTIONS = { receiving: 3, looking: 2, leases: 2, retaining: 1 }

/** The pools of one service. Those that are not used open no connection. */
export type Pools = {
  /** Recording webhooks (two commits at once), and asking whether that is possible. */
  receiving: Database
  /** What the workers and the jobs do. */
  working: Database
  /** Renewing leases. */
  leases: Database
  /** Lists and everything else that people look at. */
  looking: Database
  /** Deleting what is old, and packing bodies. */
  retaining: Database
  /** As `Database.ownSessions`, for all of them. */
  ownSessions(areOwn: boolean): void
  close(): Promise<void>
}

// A batch must be tried a second time while its sender waits; a commit takes milliseconds.
const RECEIVING_MS = 5000
const LOOKING_MS = 6000
// A migration's lock on a table: the workers try again, and leave nothing waiting there.
const WORKING_LOCK_MS = 10_000
// Whoever has a row that is to go comes first.
const RETAINING_LOCK_MS = 1000

/** Opens the pools. `renewalMs` is what the renewal of a lease may take. */
export async function openPools(options: { url: string; log: Log; slots: number; renewalMs: number }): Promise<Pools> {
  const { url, log, slots, renewalMs } = options
  const open = (name: string, limits: Pick<PoolOptions, 'max' | 'answerMs' | 'lockMs' | 'onlyLooksUp'>) =>
    openDatabase({ url, log, applicationName: `signalbox ${name}`, limitsAll: true, ...limits })
  const pools = {
    receiving: await open('receiving', { max: CONNECTIONS.receiving, answerMs: RECEIVING_MS }),
    working: await open('working', {
      max: Math.min(slots, MAX_FOR_SLOTS) + 1,
      lockMs: WORKING_LOCK_MS,
      onlyLooksUp: true,
    }),
    leases: await open('leases', { max: CONNECTIONS.leases, answerMs: renewalMs, onlyLooksUp: true }),
    looking: await open('looking', { max: CONNECTIONS.looking, answerMs: LOOKING_MS }),
    retaining: await open('retention', { max: CONNECTIONS.retaining, lockMs: RETAINING_LOCK_MS, onlyLooksUp: true }),
  }
  const all = Object.values(pools)
  return {
    ...pools,
    ownSessions(areOwn) {
      for (const pool of all) pool.ownSessions(areOwn)
    },
    close: async () => void (await Promise.all(all.map((pool) => pool.close()))),
  }
}
