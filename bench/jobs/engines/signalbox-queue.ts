// Signalbox's queue alone: its worker over the jobs table with a handler that does nothing, woken by the database.
import { openListener } from '../../../src/db/listen.ts'
import { migrate } from '../../../src/db/migrate.ts'
import { openDatabase } from '../../../src/db/postgres.ts'
import type { JobRow, RunDetail } from '../../../src/jobs/job.ts'
import { JOBS } from '../../../src/jobs/job.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog as log } from '../../../src/lib/log.ts'
import { openWorker } from '../../../src/queue/worker.ts'
import type { OpenEngine } from './engine.ts'
import { SLOTS } from './engine.ts'
import { CHANNEL, openJobs } from './signalbox-jobs.ts'

/** Opens it. */
export const open: OpenEngine = async (url) => {
  const database = await openDatabase({ url, log })
  await migrate(database, { log })
  const jobs = await openJobs(database)
  const closing: (() => Promise<unknown>)[] = []
  return {
    ...jobs,
    async work(handle) {
      const worker = openWorker<JobRow, RunDetail>({
        database,
        clock: systemClock,
        log,
        table: JOBS,
        slots: SLOTS,
        leaseMs: 30_000,
        tickMs: 60_000,
        handle: async (row) => {
          handle((row.input as { text: string }).text)
          return { outcome: { kind: 'completed' }, detail: null }
        },
      })
      const onNotify = () => worker.nudge()
      const listener = await openListener({ database, url, channels: [CHANNEL], onNotify, log })
      worker.start()
      closing.push(() => worker.drain(), listener.close.bind(listener))
    },
    async close() {
      for (const close of closing) await close()
      await jobs.close()
      await database.close()
    },
  }
}
