// Everything known of one job, line by line in the order it happened, to see why it went wrong.
import { readJournal } from './journal.ts'
import type { Stage } from './stage.ts'

/** The history of a job, as lines. `begunAt` is when the run began, by the monotonic clock. */
export async function historyOf(stage: Stage, job: string, begunAt: number): Promise<string[]> {
  const { database } = stage
  const { rows } = await database.query<{ row: object }>(
    'select to_json(j) as row from signalbox.jobs as j where id = $1',
    [job],
  )
  const attempts = await database.query<{ row: Record<string, unknown> }>(
    'select to_json(a) as row from signalbox.job_attempts as a where job_id = $1 order by attempt',
    [job],
  )
  const event = await database.query<{ delivery: string }>(
    `select coalesce(said->>'delivery', said->'issue'->>'title') as delivery from (
       select id, convert_from(body, 'UTF8')::json as said from signalbox.events) as event
     where id = (select event_id from signalbox.jobs where id = $1)`,
    [job],
  )
  const delivery = event.rows[0]?.delivery ?? ''
  const recorded = readJournal(stage.journalPath).flatMap((entry) =>
    'job' in entry && entry.job === job && entry.what !== 'alive'
      ? [{ at: entry.at, text: `attempt ${entry.attempt}: ${entry.what} (process ${entry.pid})` }]
      : [],
  )
  const written = stage.written
    .filter(({ text }) => new RegExp(`${delivery}\\b`).test(text))
    .map(({ at, route, status }) => ({ at, text: `${route} → ${status}` }))
  const timeline = [...recorded, ...written].sort((a, b) => a.at - b.at)
  return [
    `${delivery}: ${JSON.stringify(rows[0]?.row)}`,
    ...attempts.rows.map(({ row }) => `  ${JSON.stringify({ ...row, job_id: undefined })}`),
    ...timeline.map(({ at, text }) => `  ${(at - begunAt).toFixed(0).padStart(7)} ms  ${text}`),
  ]
}
