// What an agent wants written: stored with the end of its run, then published one by one.

import type { AgentResult } from '../agents/agent.ts'
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText, GiveUp } from '../lib/error.ts'
import { idFor } from '../lib/id.ts'
import type { Output } from '../publisher/output.ts'
import type { Job, Publish, Step } from './job.ts'
import type { Hold } from './steps.ts'
import { fenced, HELD, toJson } from './steps.ts'

/** The step that stands for the agent's whole run. */
export const RUN = 'signalbox:run'

/** Remembers that the agent has run: its result and its outputs, all or nothing. */
export async function rememberRun(sql: Sql, clock: Clock, hold: Hold, result: AgentResult): Promise<void> {
  const outputs = result.outputs ?? []
  const { rowCount } = await sql.query(
    `with held as (${HELD}), run as (
       insert into signalbox.job_steps (job_id, name, attempt, result, finished_at)
       select id, $4, attempt, $5::json, coalesce($6::timestamptz, now()) from held
     )
     insert into signalbox.outputs (id, job_id, position, kind, body, created_at)
     select output.id, held.id, output.position, output.kind, output.body::json, coalesce($6::timestamptz, now())
     from held, unnest($7::uuid[], $8::integer[], $9::text[], $10::text[]) as output (id, position, kind, body)`,
    [
      hold.id,
      hold.attempt,
      hold.owner,
      RUN,
      toJson(result.result, 'The result'),
      clock.sqlNow(),
      outputs.map((_, position) => idFor('output', hold.id, String(position))),
      outputs.map((_, position) => position),
      outputs.map((output) => output.kind),
      outputs.map((output) => toJson(output, 'An output')),
    ],
  )
  if (rowCount === 0) throw fenced()
}

async function setStatus(
  sql: Sql,
  clock: Clock,
  hold: Hold,
  change: { position: number; status: 'published' | 'refused'; receipt?: string | null; reason?: string },
): Promise<void> {
  const { rowCount } = await sql.query(
    `with held as (${HELD})
     update signalbox.outputs set status = $5, receipt = $6::json, reason = $7,
       published_at = case when $5 = 'published' then coalesce($8::timestamptz, now()) end
     from held where job_id = held.id and position = $4`,
    [hold.id, hold.attempt, hold.owner, change.position, change.status, change.receipt, change.reason, clock.sqlNow()],
  )
  if (rowCount === 0) throw fenced()
}

/**
 * Publishes the outputs that are still pending, in order, each receipt stored before the next
 * begins.
 */
export async function publishPending(
  sql: Sql,
  clock: Clock,
  hold: Hold,
  options: { job: Job; publish: Publish; step: Step; stop: AbortSignal },
): Promise<void> {
  const { rows } = await sql.query<{ position: number; body: Output }>(
    `select position, body from signalbox.outputs where job_id = $1 and status = 'pending' order by position`,
    [hold.id],
  )
  for (const { position, body } of rows) {
    options.stop.throwIfAborted()
    // Steps of different outputs may have the same name.
    const step: Step = (name, fn) => options.step(`output ${position}: ${name}`, fn)
    try {
      const [receipt] = await options.publish(options.job, [body], step)
      await setStatus(sql, clock, hold, { position, status: 'published', receipt: toJson(receipt, 'The receipt') })
    } catch (error) {
      if (error instanceof GiveUp) {
        await setStatus(sql, clock, hold, { position, status: 'refused', reason: errorText(error) })
      }
      throw error
    }
  }
}
