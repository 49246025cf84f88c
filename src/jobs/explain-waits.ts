// What an event meant for the jobs that waited, for an explanation.
import type { Sql } from '../db/database.ts'
import type { WaitExplanation } from './wire.ts'

/** What each job that waited made of an event. */
export async function explainWaits(sql: Sql, eventId: string): Promise<WaitExplanation[]> {
  type Row = Omit<WaitExplanation, 'sentence'> & { refusal: string | null; isJudged: boolean; isAnswer: boolean }
  const { rows } = await sql.query<Row>(
    `select job_id, name, refusal is null as matched, refusal, judged_at is not null as "isJudged", true as "isAnswer"
     from signalbox.job_answers where event_id = $1 and (decision <> 'moved' or refusal is null)
     union all
     select job_id, name, true, null, true, false from signalbox.job_waits where event_id = $1 and kind = 'event'
     order by job_id, name`,
    [eventId],
  )
  return rows.map(({ job_id, name, matched, refusal, isJudged, isAnswer }) => {
    const judged = refusal === null ? 'It counts.' : `It does not count: ${refusal}.`
    const answered = isJudged ? judged : 'The job has not looked at it yet.'
    return { job_id, name, matched, sentence: isAnswer ? answered : 'The job waited for it, and went on.' }
  })
}
