// The running jobs of one orchestrator that a newer event may supersede.
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { saySuperseded } from './activity.ts'
import type { JobRow } from './job.ts'
import { supersede, takeTurn } from './supersede.ts'

/** How often it looks, should a notification be lost: a superseded job stops within two seconds. */
const LOOK_MS = 1000

export type SupersededOptions = {
  database: Database
  clock: Clock
  log: Log
  /** Called when some of the running jobs were cancelled: they are to be stopped. */
  onCancelled(): Promise<void>
}

/** Knows what runs, and looks whether it is superseded. */
export type Superseded = {
  /** Runs an attempt of a job, unless the job is superseded already: then null. */
  unlessSuperseded<T>(row: Pick<JobRow, 'id' | 'attempt' | 'mode'>, run: () => Promise<T>): Promise<T | null>
  /** There may be newer events. Never throws. */
  look(): Promise<void>
  start(): void
  stop(): void
}

/**
 * Opens the watch over the jobs of one orchestrator. It asks nothing while none that runs can be
 * superseded.
 */
export function openSuperseded({ database, clock, log, onCancelled }: SupersededOptions): Superseded {
  const running = new Set<string>()
  let looking: Promise<void> | null = null
  let isAsked = false
  let timer: Repeated | undefined

  /** Returns the ids of those that were cancelled. */
  async function cancel(ids: readonly string[], mode?: 'next'): Promise<string[]> {
    const cancelled = await supersede(database, clock, ids, mode)
    for (const job of cancelled) saySuperseded(log, job)
    return cancelled.map(({ id }) => id)
  }
  async function lookAll(): Promise<void> {
    while (isAsked) {
      isAsked = false
      const cancelled = await cancel([...running])
      if (cancelled.some((id) => running.has(id))) await onCancelled()
    }
  }
  async function look(): Promise<void> {
    if (running.size === 0) return
    isAsked = true
    looking ??= lookAll()
      .catch((error: unknown) => log.warn({ error: errorText(error) }, 'superseded jobs could not be looked for'))
      .finally(() => {
        looking = null
      })
    return looking
  }
  return {
    async unlessSuperseded(row, run) {
      if (row.mode === 'next') {
        if ((await cancel([row.id], 'next')).includes(row.id)) return null
        await takeTurn(database, row)
      }
      if (row.mode !== 'latest') return run()
      // Before the look, so that an event which is recorded meanwhile is seen by the next one.
      running.add(row.id)
      try {
        if ((await cancel([row.id])).includes(row.id)) return null
        return await run()
      } finally {
        running.delete(row.id)
      }
    },
    look,
    start() {
      timer = every(LOOK_MS, look, { log, name: 'look for superseded jobs' })
    },
    stop() {
      void timer?.close()
    },
  }
}
