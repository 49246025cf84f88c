// Outputs that an agent publishes in the middle of its run, and those for the case that its job
// ends without completing: stored under a name, so that no later attempt writes them again.
import { z } from 'zod'
import type { PublishEarlyOptions } from '../agents/agent.ts'
import type { Sql } from '../db/database.ts'
import { storable } from '../db/text.ts'
import { requireReturnedSize } from '../lib/agent-limits.ts'
import type { Clock } from '../lib/clock.ts'
import { GiveUp } from '../lib/error.ts'
import { idFor } from '../lib/id.ts'
import { thingOf } from '../lib/output-thing.ts'
import { plainRepositoryName } from '../lib/repository.ts'
import type { Output, Receipt } from '../publisher/output.ts'
import type { AttemptRef } from './fence.ts'
import { fenced, insist, LEASED, refValues } from './fence.ts'
import { keyOf } from './outputs.ts'
import { toJson } from './steps.ts'
import { readOptions } from './wanted.ts'

/** What the outputs of an attempt need. */
export type EarlyParts = {
  clock: Clock
  stop: AbortSignal
  /** Checks outputs of the job that has `earlier` ones. */
  accept(given: unknown, earlier: readonly Output[]): Output[]
  /** @throws GiveUp when others were approved. */
  requireAmongApproved(outputs: readonly Output[]): void
  /** Writes all outputs of the job that are pending. */
  publishPending(): Promise<void>
}

/** The outputs that an attempt publishes before its agent returns. */
export type EarlyOutputs = {
  publish(name: string, outputs: readonly Output[], options?: PublishEarlyOptions): Promise<(Receipt | null)[]>
  /** Those that were stored, in this attempt and before. */
  stored(): Output[]
  /** Whether one of them may still have to be written. */
  hasPending(): boolean
  /** Waits until nothing of it is on its way; what the last one threw. */
  settled(): Promise<unknown>
}

/** An output as it is stored under a name. */
type EarlyRow = { id: string; early: string; status: string; body: Output }

const NAME = z.string().min(1).max(255)
const OPTIONS = z.strictObject({ otherwise: z.unknown().optional() })

/** Opens the early outputs of a job's attempt. */
export async function openEarlyOutputs(sql: Sql, ref: AttemptRef, parts: EarlyParts): Promise<EarlyOutputs> {
  const { clock, stop } = parts
  // The first attempt cannot have stored any.
  let rows = ref.attempt === 1 ? [] : await readEarly(sql, ref.id)
  const remembered = new Set(rows.map(({ early }) => early))
  const used = new Set<string>()
  let isPending = rows.some(({ status }) => status === 'pending')
  let last: Promise<unknown> = Promise.resolve()
  const early = () => rows.filter(isWritten).map(({ body }) => body)

  async function store(name: string, given: unknown, options: unknown): Promise<void> {
    const { otherwise: givenOtherwise = [] } = readOptions(OPTIONS, options, 'publish')
    requireReturnedSize(toJson([given, givenOtherwise], 'What is published') ?? '')
    const outputs = parts.accept(given, early())
    const otherwise = parts.accept(givenOtherwise, [...early(), ...outputs])
    const things = new Set(otherwise.map(thingOf))
    const before = rows.filter(({ status }) => status === 'otherwise')
    const replaced = before.filter(({ body }) => things.has(thingOf(body) ?? ''))
    const others = before.filter((row) => !replaced.includes(row)).map(({ body }) => body)
    if (otherwise.length > 0) parts.accept(otherwise, [...early(), ...outputs, ...others])
    parts.requireAmongApproved([...outputs, ...otherwise])
    const rowOf = (status: string) => (body: Output, index: number) => ({
      id: idFor('output', ref.id, String(ref.attempt), name, status, String(index)),
      early: name,
      status,
      body,
    })
    const added = [...outputs.map(rowOf('pending')), ...otherwise.map(rowOf('otherwise'))]
    await insist(stop, () => storeEarly(sql, clock, ref, { added, replaced: replaced.map(({ id }) => id) }))
    rows = [...rows.filter((row) => !replaced.includes(row)), ...added]
  }

  async function publish(name: string, outputs: unknown, options: unknown): Promise<(Receipt | null)[]> {
    stop.throwIfAborted()
    if (used.has(name))
      throw new GiveUp(`The agent publishes twice under the name "${name}"; names are unique within a job.`)
    used.add(name)
    if (remembered.has(name)) parts.requireAmongApproved(rows.filter((row) => row.early === name).map(bodyOf))
    else await store(name, outputs, options)
    isPending = true
    await parts.publishPending()
    isPending = false
    return insist(stop, () => receiptsOf(sql, ref.id, name))
  }

  return {
    publish(name, outputs, options = {}) {
      // One after the other, also when the agent does not wait: they are written in their order.
      const asked = last.then(() => publish(readOptions(NAME, name, 'publish: the name'), outputs, options))
      last = asked.then(
        () => null,
        (error: unknown) => error,
      )
      return asked
    },
    stored: early,
    hasPending: () => isPending,
    settled: () => last,
  }
}

function isWritten({ status }: EarlyRow): boolean {
  return status !== 'otherwise' && status !== 'replaced'
}

function bodyOf({ body }: EarlyRow): Output {
  return body
}

async function readEarly(sql: Sql, jobId: string): Promise<EarlyRow[]> {
  const { rows } = await sql.query<EarlyRow>(
    'select id, early, status, body from signalbox.outputs where job_id = $1 and early is not null order by position',
    [jobId],
    'early outputs',
  )
  return rows
}

/** Stores outputs before the first of them is written, all or none. A repeat changes nothing. */
async function storeEarly(
  sql: Sql,
  clock: Clock,
  ref: AttemptRef,
  { added, replaced }: { added: readonly EarlyRow[]; replaced: readonly string[] },
): Promise<void> {
  const { rowCount } = await sql.query(
    `with leased as (${LEASED}), earlier as (
       select coalesce(max(position) + 1, 0) as count from signalbox.outputs where job_id = $1 and id <> all($6)
     ), replaced as (
       update signalbox.outputs set status = 'replaced' from leased where job_id = leased.id and outputs.id = any($5::uuid[])
     ), stored as (
       insert into signalbox.outputs (id, job_id, position, kind, repository, name, key, body, early, status, created_at)
       select output.id, leased.id, earlier.count + nth - 1, output.kind, output.repository, output.name, output.key,
         output.body::json, output.early, output.status, coalesce($4::timestamptz, now())
       from leased, earlier,
         unnest($6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
           with ordinality as output (id, kind, repository, name, key, body, early, status, nth)
       on conflict do nothing
     )
     select from leased`,
    [
      ...refValues(ref),
      clock.sqlNow(),
      replaced,
      added.map(({ id }) => id),
      added.map(({ body }) => body.kind),
      added.map(({ body }) => plainRepositoryName(body.repository)),
      added.map(({ body }) => body.name ?? null),
      added.map(({ body }) => storable(keyOf(body))),
      added.map(({ body }) => toJson(body, 'An output')),
      added.map(({ early }) => storable(early)),
      added.map(({ status }) => status),
    ],
    'store early outputs',
  )
  if (rowCount === 0) throw fenced()
}

/** @throws GiveUp when one of them was refused. */
async function receiptsOf(sql: Sql, jobId: string, name: string): Promise<(Receipt | null)[]> {
  const { rows } = await sql.query<{ status: string; reason: string | null; receipt: Receipt | null }>(
    `select status, reason, receipt from signalbox.outputs
     where job_id = $1 and early = $2 and status not in ('otherwise', 'replaced') order by position`,
    [jobId, storable(name)],
    'early receipts',
  )
  const refused = rows.find(({ status }) => status === 'refused')
  if (refused !== undefined) throw new GiveUp(refused.reason ?? 'An output was refused.')
  return rows.map(({ receipt }) => receipt)
}
