// What an agent wants written: stored with the end of its run, then published one by one.
import type { Sql } from '../db/database.ts'
import { storable } from '../db/text.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText, GiveUp } from '../lib/error.ts'
import { idFor } from '../lib/id.ts'
import { plainRepositoryName } from '../lib/repository.ts'
import type { Output, Receipt } from '../publisher/output.ts'
import type { Publish } from '../publisher/publish.ts'
import type { Redactor } from '../untrusted/redact.ts'
import type { AttemptRef } from './fence.ts'
import { fenced, insist, LEASED, refValues, renewLease } from './fence.ts'
import type { Job } from './job.ts'
import { toJson } from './steps.ts'

/**
 * Remembers that the agent has run: its result and its outputs, all or nothing. No later attempt
 * runs it again. A repeat by the same attempt changes nothing.
 */
export async function rememberRun(
  sql: Sql,
  ref: AttemptRef,
  { clock, result, outputs }: { clock: Clock; result: unknown; outputs: readonly Output[] },
): Promise<void> {
  const { rowCount } = await sql.query(
    `with leased as (
       update signalbox.jobs set result = case when ran_at is null then $4::json else result end,
         ran_at = coalesce(ran_at, $5::timestamptz, now())
       where id = $1::uuid and attempt = $2::integer and owner = $3::uuid and status = 'running'
       returning id
     ), earlier as (
       -- What an agent that was run again from the start had published before.
       select coalesce(max(position) + 1, 0) as count from signalbox.outputs where job_id = $1 and id <> all($6)
     ), stored as (
      insert into signalbox.outputs (id, job_id, position, kind, repository, name, key, body, created_at)
      select output.id, leased.id, output.position + earlier.count, output.kind, output.repository, output.name, output.key,
        output.body::json, coalesce($5::timestamptz, now())
      from leased, earlier,
        unnest($6::uuid[], $7::integer[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
          as output (id, position, kind, repository, name, body, key)
       on conflict do nothing
     )
     select from leased`,
    [
      ...refValues(ref),
      toJson(result, 'The result'),
      clock.sqlNow(),
      outputs.map((_, position) => idFor('output', ref.id, String(ref.attempt), String(position))),
      outputs.map((_, position) => position),
      outputs.map((output) => output.kind),
      outputs.map((output) => plainRepositoryName(output.repository)),
      outputs.map((output) => output.name ?? null),
      outputs.map((output) => toJson(output, 'An output')),
      outputs.map((output) => storable(keyOf(output))),
    ],
    'remember run',
  )
  if (rowCount === 0) throw fenced()
}

/** What an event of it shows: its key, or the issue or pull request that it is about. */
function keyOf(output: Output): string {
  if ('key' in output && output.key !== undefined) return output.key
  return 'target' in output && !('commit' in output.target) ? `#${Object.values(output.target)[0]}` : ''
}

type Published = { position: number; status: 'published' | 'refused'; receipt?: string | null; reason?: string }

async function setStatus(sql: Sql, clock: Clock, ref: AttemptRef, change: Published): Promise<void> {
  const { rowCount } = await sql.query(
    `with leased as (${LEASED})
     update signalbox.outputs set status = $5, receipt = $6::json, reason = $7,
       published_at = case when $5 = 'published' then coalesce($8::timestamptz, now()) end
     from leased where job_id = leased.id and position = $4`,
    [...refValues(ref), change.position, change.status, change.receipt, change.reason, clock.sqlNow()],
    'set output',
  )
  if (rowCount === 0) throw fenced()
}

/**
 * Publishes the outputs that are still pending, in order, each receipt stored before the next
 * begins.
 */
export async function publishPending(
  sql: Sql,
  ref: AttemptRef,
  options: { clock: Clock; job: Job; publish: Publish; redactor: Redactor; leaseMs: number; stop: AbortSignal },
): Promise<void> {
  const { job, publish, stop } = options
  const { rows } = await insist(stop, () =>
    sql.query<{ position: number; body: Output | null; name: string | null; receipt: Receipt | null }>(
      // Of those that are written, what later ones may refer to; their bodies may be large.
      `select position, case when status = 'pending' then body end as body, name, receipt
       from signalbox.outputs where job_id = $1 and (status = 'pending' or status = 'published' and name is not null)
       order by position`,
      [ref.id],
      'pending outputs',
    ),
  )
  const receipts = new Map<string, Receipt | null>()
  // A request has ended, answered or not, long before a lease that was renewed just before it.
  const guard = { signal: stop, confirm: () => insist(stop, () => renewLease(sql, ref, options)) }
  const save = (change: Published) => insist(stop, () => setStatus(sql, options.clock, ref, change))
  for (const { position, body, name, receipt: earlier } of rows) {
    if (body === null) {
      if (name !== null) receipts.set(name, earlier)
      continue
    }
    stop.throwIfAborted()
    try {
      const receipt = await publish(job, body, guard, receipts)
      await save({ position, status: 'published', receipt: toJson(receipt, 'The receipt') })
      if (name !== null) receipts.set(name, receipt)
    } catch (error) {
      if (error instanceof GiveUp) {
        await save({ position, status: 'refused', reason: options.redactor.text(errorText(error)) })
      }
      throw error
    }
  }
}
