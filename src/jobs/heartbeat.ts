// The row that says that an orchestrator is alive.
import { hostname } from 'node:os'
import type { Database, Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { isRunning } from '../lib/running-process.ts'

/** How often an orchestrator says that it is alive. */
const INTERVAL_MS = 30_000
/** Rows of orchestrators gone for longer are removed when another starts. */
const KEPT_DAYS = 7

/** The heartbeat of one orchestrator. None of its functions throws. */
export type Heartbeat = {
  /** Beats now, and then by itself; resolves with the first beat. */
  start(): Promise<void>
  beat(): Promise<void>
  /** It claims no more; does not wait for the database. */
  drain(): void
  stop(): Promise<void>
}

export type HeartbeatOptions = {
  database: Database
  clock: Clock
  log: Log
  id: string
  slots: number
  agents: readonly string[]
  running: () => number
  /** Default 30 s. */
  intervalMs?: number | undefined
}

/** Opens the heartbeat of one orchestrator. */
export function openHeartbeat({ database, clock, log, ...options }: HeartbeatOptions): Heartbeat {
  const { id, slots, agents, running, intervalMs = INTERVAL_MS } = options
  let stage: 'working' | 'draining' | 'stopped' = 'working'
  let beats: Repeated | undefined
  // One after another: what is said last must be written last.
  let last: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    const status = stage === 'working' ? (running() > 0 ? 'running' : 'idle') : stage
    try {
      await database.query(
        `insert into signalbox.orchestrators as o (id, host, pid, slots, running, status, started_at, heartbeat_at, agents)
         values ($1, $2, $3, $4, $5, $6, coalesce($7::timestamptz, now()), coalesce($7::timestamptz, now()), $8)
         on conflict (id) do update set running = $5, status = $6, heartbeat_at = coalesce($7::timestamptz, now())`,
        [id, hostname(), process.pid, slots, running(), status, clock.sqlNow(), agents],
      )
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
        `delete from signalbox.orchestrators
         where heartbeat_at < coalesce($2::timestamptz, now()) - $1 * interval '1 day'`,
        [KEPT_DAYS, clock.sqlNow()],
      )
    } catch (error) {
      log.warn({ error: errorText(error) }, 'old heartbeats could not be removed')
    }
  }
  return {
    beat,
    async start() {
      beats = every(intervalMs, beat, { log, name: 'heartbeat' })
      await beat()
      void forgetOld()
    },
    drain() {
      stage = 'draining'
      void beat()
    },
    async stop() {
      stage = 'stopped'
      await beats?.close()
      await beat()
    },
  }
}

/**
 * The orchestrators of this host whose processes are gone. One that has this process's own number
 * is of a process before it, as in a container that was started again.
 */
export async function deadOrchestrators(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ id: string; pid: number }>(
    'select id, pid from signalbox.orchestrators where host = $1',
    [hostname()],
  )
  return rows.filter(({ pid }) => pid === process.pid || !isRunning(pid)).map(({ id }) => id)
}
