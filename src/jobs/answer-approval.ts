// Answering an approval by hand, through the API: whoever has its token may.
import { z } from 'zod'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { describe, PARSING } from '../lib/zod.ts'
import type { Answer, Approval } from './approval.ts'
import { endedText, storeAnswers } from './approval.ts'
import { getJob, notFound } from './query.ts'
import { wakeJobs } from './wake.ts'
import type { JobDetail } from './wire.ts'

/** The body of an answer, which may be absent. */
export const answerRequest = z.strictObject({
  name: z.string().max(200).optional().meta({ description: 'Which approval. Default: all that the job waits for.' }),
  reason: z.string().max(2000).optional(),
  by: z.string().max(200).optional().meta({ description: 'Who answers, as the job and its agent see it.' }),
})

/** An answer that somebody gives by hand. */
export type AnswerRequest = z.infer<typeof answerRequest>

/**
 * Reads the body of an answer.
 * @throws AppError `input_invalid` naming the field at fault.
 */
export function readAnswer(body: unknown): AnswerRequest {
  const { data, error } = answerRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return data
}

const ASKED = `signalbox.job_waits w where job_id = $1 and kind = 'approval' and ($2::text is null or name = $2)`

type Asked = { name: string; until: Date; result: Approval | null; isOpen: boolean; isAnswered: boolean }

/**
 * Answers the approvals that a job waits for, and wakes it. Twice is once.
 * @throws AppError `not_found`, or `conflict` when it waits for none, or does so no more.
 */
export async function answerApproval(
  database: Database,
  clock: Clock,
  id: string,
  {
    name,
    reason = null,
    by = null,
    decision,
  }: { [Key in keyof AnswerRequest]?: AnswerRequest[Key] | null } & Pick<Answer, 'decision'>,
): Promise<JobDetail> {
  if (!isUuid(id)) throw notFound(id)
  await getJob(database, id)
  await database.transaction(async (tx) => {
    const asked = [id, name ?? null]
    // By itself: what another request has answered meanwhile is seen by the statement after it.
    await tx.query(`select from ${ASKED} order by name for no key update`, asked)
    const { rows } = await tx.query<Asked>(
      `select name, until, result,
         ended_at is null and until > coalesce($3::timestamptz, now()) as "isOpen",
         exists (select from signalbox.job_answers a
           where a.job_id = w.job_id and a.name = w.name and judged_at is null and via = 'api' and decision = $4) as "isAnswered"
       from ${ASKED} order by name`,
      [...asked, clock.sqlNow(), decision],
    )
    // After the row of the wait, as whoever wakes it locks them: nobody ends the job meanwhile.
    const job = await tx.query<{ status: string }>(
      'select status from signalbox.jobs where id = $1 for no key update',
      [id],
    )
    const { status = 'gone' } = job.rows[0] ?? {}
    const isOver = ['completed', 'failed', 'cancelled'].includes(status)
    const open = isOver ? [] : rows.filter(({ isOpen }) => isOpen)
    if (open.length === 0) throw tooLate(rows, status)
    const fresh = open.filter(({ isAnswered }) => !isAnswered)
    await storeAnswers(
      tx,
      clock,
      fresh.map((asked) => ({ jobId: id, name: asked.name, eventId: null, decision, by, via: 'api', reason })),
    )
    await wakeJobs(tx, clock, [id])
  })
  return getJob(database, id)
}

function tooLate(rows: readonly Asked[], status: string): AppError {
  const last = rows.at(-1)
  const detail =
    last === undefined
      ? `The job is ${status}, and waits for no such approval.`
      : last.isOpen
        ? `The approval "${last.name}" is answered too late: the job is ${status}.`
        : `The approval "${last.name}" is answered too late: ${endedText(last.result, last.until)}.`
  return new AppError('conflict', detail)
}
