// The events of jobs that a person has ended by SQL while they did not run, when nobody was there
// to record them.
import type { Database } from '../db/database.ts'
import { errorText } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import type { OnFinished } from './finished.ts'
import type { Finished, JobRow } from './job.ts'
import { toJob } from './job.ts'

const BATCH = 100
/** How often they are looked for, should the notification be lost. */
const REPORT_MS = 30_000

/** What reporting them needs. */
export type ReportingParts = {
  database: Database
  log: Log
  onFinished?: OnFinished | undefined
  notify?: ((whom: 'any') => void) | undefined
}

/** Opens what reports them: when it is asked to, and from time to time. */
export function openReports(parts: ReportingParts): { start(): void; report(): Promise<void>; stop(): void } {
  let repeated: Repeated | undefined
  const report = () => reportEnded(parts)
  return {
    report,
    start() {
      repeated = every(REPORT_MS, report, { log: parts.log, name: 'ends by hand', immediately: true })
    },
    stop() {
      void repeated?.close()
    },
  }
}

/**
 * Records the event of each such job that has none, in the transaction that marks it: whoever else
 * does so at the same time passes it over. What fails is tried again with the next call.
 */
async function reportEnded({ database, log, onFinished, notify }: ReportingParts): Promise<void> {
  type Row = JobRow & { status: string; error: string | null; finished_at: Date }
  try {
    for (let found = BATCH; found === BATCH; ) {
      const hasMadeWork = await database.transaction(async (tx) => {
        const { rows } = await tx.query<Row>(
          `update signalbox.jobs set unreported = false
           where id = any(array(
             select id from signalbox.jobs where unreported order by id limit ${BATCH} for no key update skip locked))
           returning *`,
        )
        found = rows.length
        const finished = rows.flatMap(finishedOf)
        return finished.length > 0 && (await onFinished?.(tx, finished)) === true
      })
      if (hasMadeWork) notify?.('any')
    }
  } catch (error) {
    log.warn({ error: errorText(error) }, 'jobs that were ended by hand could not be reported')
  }
}

/** Nothing of one that was begun again meanwhile, nor of one that writes what another has left. */
function finishedOf(row: JobRow & { status: string; error: string | null; finished_at: Date }): Finished[] {
  const job = { ...toJob(row), endedByHandAt: row.finished_at }
  if (row.settles !== null && row.status !== 'failed') return []
  if (row.status === 'completed') return [{ job, outcome: 'completed', result: row.result }]
  return row.status === 'failed' ? [{ job, outcome: 'failed', error: row.error ?? '' }] : []
}
