// What an agent wants written: stored with the end of its run, then published one by one.
import { createHash } from 'node:crypto'
import type { Database, Sql } from '../db/database.ts'
import { storable } from '../db/text.ts'
import type { Review } from '../findings/finding.ts'
import { storeReview } from '../findings/store.ts'
import type { Access } from '../forges/access.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText, GiveUp } from '../lib/error.ts'
import { idFor } from '../lib/id.ts'
import { plainRepositoryName } from '../lib/repository.ts'
import type { Output, Receipt } from '../publisher/output.ts'
import type { Author, OpenPublisher, Publisher } from '../publisher/publish.ts'
import type { Receipts } from '../publisher/references.ts'
import type { Redactor } from '../untrusted/redact.ts'
import type { AttemptRef } from './fence.ts'
import { fenced, insist, LEASED, refValues, renewLease } from './fence.ts'
import type { Job } from './job.ts'
import { toJson } from './steps.ts'

/** What an agent that has run leaves. */
type Run = { clock: Clock; result: unknown; outputs: readonly Output[] }

/**
 * Remembers that the agent has run: its result, its outputs and its findings, all or nothing. No
 * later attempt runs it again. A repeat by the same attempt changes nothing.
 */
export async function rememberRun(
  database: Database,
  ref: AttemptRef,
  { findings = null, ...run }: Run & { findings?: Review | null },
): Promise<void> {
  if (findings === null) return storeRun(database, ref, run)
  await database.transaction(async (tx) => {
    // First, because it locks the job: whoever lost the job stores nothing.
    await storeRun(tx, ref, run)
    await storeReview(tx, run.clock, ref.id, findings)
  })
}

async function storeRun(sql: Sql, ref: AttemptRef, { clock, result, outputs }: Run): Promise<void> {
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
export function keyOf(output: Output): string {
  if ('key' in output && output.key !== undefined) return output.key
  return 'target' in output && !('commit' in output.target) ? `#${Object.values(output.target)[0]}` : ''
}

type Change = {
  position: number
  status: 'published' | 'staged' | 'refused'
  receipt?: string | null
  reason?: string
  preview?: string
}

/** What was written, for the record of writes. */
type Write = { output: Output; access: Access | null; config: string | undefined }

async function setStatus(sql: Sql, clock: Clock, ref: AttemptRef, change: Change): Promise<void> {
  const { rowCount } = await sql.query(
    `with leased as (${LEASED})
     update signalbox.outputs set status = $5, receipt = $6::json, reason = $7, preview = $8,
       published_at = case when $5 = 'published' then coalesce($9::timestamptz, now()) end
     from leased where job_id = leased.id and position = $4`,
    [...refValues(ref), change.position, change.status, change.receipt, change.reason, change.preview, clock.sqlNow()],
    'set output',
  )
  if (rowCount === 0) throw fenced()
}

/** Stores the receipt, and with it the record of the write; of one that was stored, nothing. */
async function savePublished(
  sql: Sql,
  clock: Clock,
  ref: AttemptRef,
  { position, receipt, output, access, config }: { position: number; receipt: Receipt | null } & Write,
): Promise<void> {
  const { rowCount } = await sql.query(
    `with leased as (
       select id, attempt, rule, agent from signalbox.jobs
       where id = $1::uuid and attempt = $2::integer and owner = $3::uuid and status = 'running' for share
     ), pending as (
       select position, kind, repository from signalbox.outputs where job_id = $1 and position = $4 and status = 'pending'
     ), changed as (
       update signalbox.outputs set status = 'published', receipt = $5::json, reason = null,
         published_at = coalesce($6::timestamptz, now())
       from leased where job_id = leased.id and position = $4
     ), noted as (
       insert into signalbox.writes
         (job_id, attempt, rule, agent, position, kind, repository, config_sha256, output_sha256, access, receipt, written_at)
       select leased.id, leased.attempt, leased.rule, leased.agent, pending.position, pending.kind, pending.repository,
         $7, $8, $9::json, $5::json, coalesce($6::timestamptz, now())
       from leased, pending where json_typeof($5::json) = 'object'
     )
     select from leased`,
    [
      ...refValues(ref),
      position,
      toJson(receipt, 'The receipt'),
      clock.sqlNow(),
      config ?? null,
      createHash('sha256').update(JSON.stringify(output)).digest('hex'),
      access === null ? null : JSON.stringify(access),
    ],
    'save write',
  )
  if (rowCount === 0) throw fenced()
}

type PublishOptions = {
  clock: Clock
  job: Job
  openPublisher: OpenPublisher
  redactor: Redactor
  leaseMs: number
  stop: AbortSignal
  /** The job that has ended, for which these are written. */
  settles?: string | null
}

type PendingRow = { position: number; body: Output | null; name: string | null; receipt: Receipt | null }

/**
 * Publishes the outputs that are still pending, in order, each receipt stored before the next
 * begins. Those of a staged job are only shown.
 */
export async function publishPending(sql: Sql, ref: AttemptRef, options: PublishOptions): Promise<void> {
  const { job, stop, settles = null } = options
  const { rows } = await insist(stop, () =>
    sql.query<PendingRow>(
      // Of those that are written, what later ones may refer to; their bodies may be large.
      `select position, case when status = 'pending' then body end as body, name, receipt
       from signalbox.outputs where job_id = $1 and (status = 'pending' or status = 'published' and name is not null)
         or job_id = $2 and status = 'published' and name is not null
       order by job_id = $1, position`,
      [ref.id, settles],
      'pending outputs',
    ),
  )
  const publisher = options.openPublisher(
    settles === null ? job : await insist(stop, () => authorFor(sql, settles, options)),
    rows.flatMap(({ body }) => body ?? []),
  )
  try {
    const act = job.policy?.staged === true ? stage : write
    const receipts = new Map<string, Receipt | null>()
    for (const { position, body, name, receipt } of rows) {
      if (body !== null) stop.throwIfAborted()
      const known = body === null ? receipt : await act(sql, ref, { ...options, publisher, receipts, position, body })
      if (name !== null && known !== undefined) receipts.set(name, known)
    }
  } finally {
    await publisher.close()
  }
}

/** Whoever writes for a job that has ended writes as it, so that what it wrote before is found. */
async function authorFor(sql: Sql, settles: string, { job, redactor }: PublishOptions): Promise<Author> {
  const { rows } = await sql.query<{ status: string; error: string | null; created_at: Date }>(
    'select status, error, created_at from signalbox.jobs where id = $1',
    [settles],
  )
  const [ended] = rows
  const reason = redactor.text(
    ended?.error ?? (ended?.status === 'cancelled' ? 'The job was cancelled.' : 'The job failed.'),
  )
  return { id: settles, policy: job.policy, createdAt: ended?.created_at, reason }
}

type Step = PublishOptions & { publisher: Publisher; receipts: Receipts; position: number; body: Output }

async function write(sql: Sql, ref: AttemptRef, step: Step): Promise<Receipt | null> {
  const { publisher, stop, clock, position, body: output } = step
  // A request has ended, answered or not, long before a lease that was renewed just before it.
  const guard = { signal: stop, confirm: () => insist(stop, () => renewLease(sql, ref, step)) }
  try {
    const receipt = await publisher.publish(output, guard, step.receipts)
    const written = { position, receipt, output, access: publisher.access(output), config: step.job.policy?.config }
    await insist(stop, () => savePublished(sql, clock, ref, written))
    return receipt
  } catch (error) {
    if (error instanceof GiveUp) {
      const reason = step.redactor.text(errorText(error))
      await insist(stop, () => setStatus(sql, clock, ref, { position, status: 'refused', reason }))
    }
    throw error
  }
}

async function stage(sql: Sql, ref: AttemptRef, { publisher, stop, clock, position, body }: Step): Promise<undefined> {
  const preview = await publisher.preview(body)
  await insist(stop, () => setStatus(sql, clock, ref, { position, status: 'staged', preview: storable(preview) }))
}
