// The answers to the approvals of a job: decided about at the beginning of an attempt, because the
// forge must be asked who may give them.
import type { Database, Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { Answer, Approval, Asked, JudgeParts, Verdict } from './approval.ts'
import { endedText, judge } from './approval.ts'
import type { AttemptRef } from './fence.ts'
import { fenced, insist, LEASED, refValues } from './fence.ts'
import { storedWait } from './wait-rows.ts'
import type { Place } from './wanted.ts'

export type JudgeAnswersParts = JudgeParts & { database: Database; clock: Clock; stop: AbortSignal }

/** Whether the attempt before this one waited, and no wait has ended since it began. */
export async function isStillWaiting(sql: Sql, { id, attempt }: AttemptRef): Promise<boolean> {
  const { rows } = await sql.query(
    `select from signalbox.job_attempts a where job_id = $1 and attempt = $2 and outcome = 'waiting'
       and not exists (select from signalbox.job_waits w where w.job_id = $1 and w.ended_at >= a.started_at)`,
    [id, attempt - 1],
  )
  return rows.length > 0
}
/** Decides about the answers that came since the last attempt; how many those were. */
export async function judgeAnswers(parts: JudgeAnswersParts, ref: AttemptRef): Promise<number> {
  const { database, clock, stop } = parts
  const { rows } = await database.query<Answer & { approval: Asked } & Place>(
    `select a.id, a.name, a.event_id as "eventId", a.decision, a.given_by as by, a.via, a.reason, a.at,
       w.approval, w.repository, w.number::float8 as number
     from signalbox.job_answers a join signalbox.job_waits w using (job_id, name)
     where a.job_id = $1 and a.judged_at is null order by a.at, a.id`,
    [ref.id],
    'answers',
  )
  for (const { approval, repository, number, ...answer } of rows) {
    const wait = await storedWait(database, clock, ref.id, answer.name)
    stop.throwIfAborted()
    const verdict = wait.hasEnded
      ? { refusal: `too late: ${endedText(wait.result as Approval | null, wait.until)}` }
      : await judge(parts, { asked: approval, place: { repository, number } }, answer)
    await insist(stop, () => storeVerdict(database, clock, ref, { answer, verdict }))
  }
  return rows.length
}

async function storeVerdict(
  database: Database,
  clock: Clock,
  ref: AttemptRef,
  { answer, verdict }: { answer: Answer; verdict: Verdict },
): Promise<void> {
  const [result, refusal] = 'result' in verdict ? [JSON.stringify(verdict.result), null] : [null, verdict.refusal]
  const { rowCount } = await database.query(
    `with leased as (${LEASED}), ended as (
       update signalbox.job_waits set ended_at = coalesce($4::timestamptz, now()), event_id = $7, result = $8::json
       from leased where $8::json is not null and job_id = leased.id and name = $5 and ended_at is null
     ), judged as (
       update signalbox.job_answers set judged_at = coalesce($4::timestamptz, now()), refusal = $9
       from leased where job_id = leased.id and job_answers.id = $6
     )
     select from leased`,
    [...refValues(ref), clock.sqlNow(), answer.name, answer.id, answer.eventId, result, refusal],
  )
  if (rowCount === 0) throw fenced()
}
