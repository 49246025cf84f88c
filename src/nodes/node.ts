// A node: this process, as the others see it. Its row says that it is alive, and what it runs by.
import { hostname } from 'node:os'
import type { Database, Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { isRunning } from '../lib/running-process.ts'
import { within } from '../lib/within.ts'
import { LEASE_MS, leaseTiming } from '../queue/lease-timing.ts'
import { differencesNow } from './differences.ts'

/** Rows of nodes gone for longer are removed when another starts. */
const KEPT_DAYS = 7
/** What stopping leaves the last heartbeat. */
const LAST_BEAT_MS = 3000

/** What a process may do. */
export type Role = 'receiver' | 'orchestrator'

/** What a node runs by: its program, the newest migration this knows, and its configuration. */
export type Versions = { version: string; schemaVersion: string; configSha256: string }

/** The node of this process. None of its functions throws. */
export type Node = {
  /** The owner of the jobs and deliveries that this process runs. */
  id: string
  /** Beats now, and then by itself; resolves with the first beat. */
  start(): Promise<void>
  beat(): Promise<void>
  /**
   * Resolves with the reason when this process is to end: somebody has asked for it, or the tables
   * have become too new for it.
   */
  drained: Promise<string>
  /** It claims no more; does not wait for the database. */
  drain(): void
  stop(): Promise<void>
}

export type NodeOptions = Versions & {
  /** Connections that are not kept busy by anything else. */
  database: Database
  clock: Clock
  log: Log
  id?: string
  roles: readonly Role[]
  /** How many jobs it runs at once; 0 where it runs none. */
  slots: number
  agents: readonly string[]
  /** How many jobs it runs. */
  running(): number
  /** Default `LEASE_MS`. It beats three times as often, and is dead for others after one. */
  leaseMs?: number | undefined
}

/** Opens the node of this process. */
export function openNode({ database, clock, log, ...options }: NodeOptions): Node {
  const { id = newId(), running, leaseMs = LEASE_MS } = options
  const drained = Promise.withResolvers<string>()
  let stage: 'working' | 'draining' | 'stopped' = 'working'
  let beats: Repeated | undefined
  // One after another: what is said last must be written last.
  let last: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    const status = stage === 'working' ? (running() > 0 ? 'running' : 'idle') : stage
    try {
      const reason = await writeRow(database, clock, { ...options, id, leaseMs, status, running: running() })
      if (reason !== null) drained.resolve(reason)
    } catch (error) {
      log.warn({ error: errorText(error) }, 'the heartbeat could not be written')
    }
  }
  function beat(): Promise<void> {
    last = last.then(write)
    return last
  }
  async function forgetOld(): Promise<void> {
    try {
      await database.query(
        `delete from signalbox.nodes where heartbeat_at < coalesce($2::timestamptz, now()) - $1 * interval '1 day'`,
        [KEPT_DAYS, clock.sqlNow()],
      )
    } catch (error) {
      log.warn({ error: errorText(error) }, 'old heartbeats could not be removed')
    }
  }
  async function compare(): Promise<void> {
    try {
      for (const difference of await differencesNow(database)) log.warn(difference)
    } catch (error) {
      log.warn({ error: errorText(error) }, 'the nodes could not be compared')
    }
  }
  return {
    id,
    beat,
    drained: drained.promise,
    async start() {
      const { roles, version, schemaVersion: schema, configSha256: config } = options
      log.info({ node: id, roles, version, schema, config }, 'node started')
      beats = every(leaseTiming(leaseMs).renewMs, beat, { log, name: 'heartbeat' })
      await beat()
      await compare()
      void forgetOld()
    },
    drain() {
      stage = 'draining'
      void beat()
    },
    async stop() {
      stage = 'stopped'
      // What the database does not answer by now is lost, and is not worth waiting for.
      const stopped = (async () => {
        await beats?.close()
        await beat()
      })()
      await within(LAST_BEAT_MS, stopped, 'The database did not answer.').catch((error: unknown) =>
        log.warn({ error: errorText(error) }, 'a node ends without its last heartbeat'),
      )
    },
  }
}

type Beat = Omit<NodeOptions, 'database' | 'clock' | 'log' | 'running' | 'leaseMs'> & {
  id: string
  status: 'idle' | 'running' | 'draining' | 'stopped'
  running: number
  leaseMs: number
}

/** Writes the heartbeat; returns why the node is to end, or null. */
async function writeRow(sql: Sql, clock: Clock, beat: Beat): Promise<string | null> {
  const { rows } = await sql.query<{ isAsked: boolean; tooNew: string | null }>(
    `insert into signalbox.nodes as n (id, host, pid, roles, slots, agents, running, status, version, schema_version,
       config_sha256, lease_ms, started_at, heartbeat_at)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, at, at
     from coalesce($13::timestamptz, now()) as at
     on conflict (id) do update set running = excluded.running, status = excluded.status,
       heartbeat_at = excluded.heartbeat_at
     returning drain_at is not null as "isAsked", (
       select min(name) from signalbox.migrations where name > $10 and coalesce(works_with > $10, true)) as "tooNew"`,
    [
      beat.id,
      hostname(),
      process.pid,
      beat.roles,
      beat.slots,
      beat.agents,
      beat.running,
      beat.status,
      beat.version,
      beat.schemaVersion,
      beat.configSha256,
      beat.leaseMs,
      clock.sqlNow(),
    ],
    'heartbeat',
  )
  const { isAsked = false, tooNew = null } = rows[0] ?? {}
  if (tooNew !== null) return `this version does not work with migration ${tooNew}`
  return isAsked ? 'it was asked to drain' : null
}

/**
 * The nodes of this host whose processes are gone. One that has this process's own number is of a
 * process before it, as in a container that was started again.
 */
export async function deadNodes(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ id: string; pid: number }>('select id, pid from signalbox.nodes where host = $1', [
    hostname(),
  ])
  return rows.filter(({ pid }) => pid === process.pid || !isRunning(pid)).map(({ id }) => id)
}
