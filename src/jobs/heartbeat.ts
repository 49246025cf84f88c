// The row that says that an orchestrator is alive.
import { hostname } from 'node:os'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'

/** The longest an orchestrator is silent. */
const MAX_SILENCE_MS = 30_000
/** Rows of orchestrators gone for longer are removed when another starts. */
const KEPT_DAYS = 7

export type OrchestratorStatus = 'idle' | 'running' | 'draining' | 'stopped'

export type Heartbeat = { start(): void; beat(status?: OrchestratorStatus): Promise<void>; stop(): Promise<void> }

export type HeartbeatOptions = {
  database: Database
  clock: Clock
  log: Log
  id: string
  slots: number
  running: () => number
  tickMs: number
}

/** Opens the heartbeat of one orchestrator: `start` lets it beat by itself, at least every 30 s. */
export function openHeartbeat({ database, clock, log, ...options }: HeartbeatOptions): Heartbeat {
  const { id, slots, running, tickMs } = options
  let beats: Repeated | undefined

  async function beat(status: OrchestratorStatus = running() > 0 ? 'running' : 'idle'): Promise<void> {
    try {
      await database.query(
        `insert into signalbox.orchestrators as o (id, host, pid, slots, running, status, started_at, heartbeat_at)
         values ($1, $2, $3, $4, $5, $6, coalesce($7::timestamptz, now()), coalesce($7::timestamptz, now()))
         on conflict (id) do update set running = $5, status = $6, heartbeat_at = coalesce($7::timestamptz, now())`,
        [id, hostname(), process.pid, slots, running(), status, clock.sqlNow()],
      )
    } catch (error) {
      log.warn({ error: errorText(error) }, 'the heartbeat could not be written')
    }
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
    start() {
      const options = { log, name: 'heartbeat', immediately: true }
      beats = every(Math.min(tickMs, MAX_SILENCE_MS), () => beat(), options)
      void forgetOld()
    },
    async stop() {
      await beats?.close()
      await beat('stopped')
    },
  }
}
