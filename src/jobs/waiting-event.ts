// The event that says that a job waits for an event or for somebody's approval: `job.waiting`.
import type { Sql } from '../db/database.ts'
import type { Draft, Recorded } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
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
    const drafts = said.map(({ row, wait }) =>
      waitingEvent({ row, wait }, causes.get(row.event_id ?? '') ?? null, clock),
    )
    const recorded: readonly Recorded[] = await recordIn(tx, drafts)
    return recorded.some(({ status }) => status === 'routed')
  }
}

function waitingEvent({ row, wait }: { row: JobRow; wait: Wait }, cause: Cause | null, clock: Clock): Draft {
  const now = clock.now()
  // The same whenever the job waits for it again, so that it is said once.
  const deliveryId = `job_${row.id}_waiting_${wait.attempt}_${wait.name}`
  const body = {
    event: 'job.waiting',
    timestamp: now.toISOString(),
    delivery_id: deliveryId,
    data: {
      job_id: row.id,
      job_type: row.type,
      rule: row.rule,
      agent: row.agent,
      attempt: row.attempt,
      event_id: row.event_id,
      subject: cause?.subject ?? null,
      name: wait.name,
      kind: wait.kind,
      reason: wait.approval?.reason ?? null,
      since: wait.since.toISOString(),
      until: wait.until.toISOString(),
    },
  }
  return {
    id: newId(now),
    source: 'signalbox',
    deliveryId,
    type: 'job.waiting',
    subject: cause?.subject ?? null,
    actor: row.agent,
    facts: cause?.facts ?? {},
    body: Buffer.from(JSON.stringify(body)),
    payload: null,
    contentType: 'application/json',
    headers: {},
    depth: (cause?.depth ?? 0) + 1,
    causeJobId: row.id,
  }
}
