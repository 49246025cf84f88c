// The event that says that a job waits for an event or for somebody's approval: `job.waiting`.
import type { Sql } from '../db/database.ts'
import type { Draft, Recorded } from '../events/event.ts'
import { ownEvent } from '../lib/own-event.ts'
import type { Cause, FinishedParts } from './finished.ts'
import type { JobRow } from './job.ts'
import type { Wait } from './wait-rows.ts'

/** A job that has just begun to wait, or goes on waiting. */
export type WaitingJob = { row: JobRow; waits: readonly Wait[] }

/** Runs in the transaction in which jobs begin to wait. Returns whether it made work for others. */
export type OnWaiting = (tx: Sql, waiting: readonly WaitingJob[]) => Promise<boolean>

/** Records one event for each thing that is waited for, once; sleeping is not worth one. */
export function recordWaiting(parts: Pick<FinishedParts, 'clock' | 'causesOf' | 'recordIn'>): OnWaiting {
  const { clock, causesOf, recordIn } = parts
  return async (tx, waiting) => {
    const said = waiting.flatMap(({ row, waits }) =>
      waits.filter(({ kind }) => kind !== 'sleep').map((wait) => ({ row, wait })),
    )
    if (said.length === 0) return false
    const causes = await causesOf(
      tx,
      said.flatMap(({ row }) => row.event_id ?? []),
    )
    const now = clock.now()
    const drafts = said.map((each) => waitingEvent(each, causes.get(each.row.event_id ?? '') ?? null, now))
    const recorded: readonly Recorded[] = await recordIn(tx, drafts)
    return recorded.some(({ status }) => status === 'routed')
  }
}

function waitingEvent({ row, wait }: { row: JobRow; wait: Wait }, cause: Cause | null, now: Date): Draft {
  const subject = cause?.subject ?? null
  const data = {
    job_id: row.id,
    job_type: row.type,
    rule: row.rule,
    agent: row.agent,
    attempt: row.attempt,
    event_id: row.event_id,
    subject,
    name: wait.name,
    kind: wait.kind,
    reason: wait.approval?.reason ?? null,
    since: wait.since.toISOString(),
    until: wait.until.toISOString(),
  }
  return ownEvent(
    {
      type: 'job.waiting',
      // The same whenever the job waits for it again, so that it is said once.
      deliveryId: `job_${row.id}_waiting_${wait.attempt}_${wait.name}`,
      subject,
      actor: row.agent,
      facts: cause?.facts ?? {},
      data,
      depth: (cause?.depth ?? 0) + 1,
      causeJobId: row.id,
    },
    now,
  )
}
