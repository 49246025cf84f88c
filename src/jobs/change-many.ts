// What a person does to many jobs at once: chosen by what they are, and counted first if wanted.
import { z } from 'zod'
import type { Database, Sql } from '../db/database.ts'
import { keepPayloads } from '../db/payload-pruned.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { describe, PARSING } from '../lib/zod.ts'
import { beginAgain } from './change.ts'
import { CAUSE, causesOf, jobCauseFilter } from './failure-cause.ts'

/** How many jobs one call changes at most; the next call goes on. */
const MAX_CHANGED = 10_000

const time = z.iso.datetime({ offset: true })

const selection = {
  rule: z.string().min(1).optional().meta({ description: 'Only of this rule.' }),
  type: z.string().min(1).optional().meta({ description: 'Only of this type.' }),
  agent: z.string().min(1).optional().meta({ description: 'Only of this agent.' }),
  source: z.string().min(1).optional().meta({ description: 'Only of the events of this source.' }),
  until: time.optional().meta({ description: 'And before this time. Default: now.' }),
  dry_run: z.boolean().default(false).meta({ description: 'Only count them.' }),
}

/** The body of `POST /api/jobs/retry`. */
export const retryManyRequest = z.strictObject({
  status: z
    .array(z.enum(['failed', 'cancelled']))
    .min(1)
    .default(['failed'])
    .meta({ description: 'What became of them.' }),
  cause: jobCauseFilter.optional().meta({ description: 'Only those that failed because of this.' }),
  since: time.optional().meta({ description: 'Jobs that ended at this time or later.' }),
  ...selection,
  from_start: z.boolean().default(false).meta({ description: 'Forget steps and outputs, and run the agents again.' }),
})

const unfinished = z
  .array(z.enum(['pending', 'running', 'waiting']))
  .min(1)
  .default(['pending', 'running', 'waiting'])

/** The body of `POST /api/jobs/cancel`. */
export const cancelManyRequest = z.strictObject({
  status: unfinished.meta({ description: 'What they do now.' }),
  since: time.optional().meta({ description: 'Jobs made at this time or later.' }),
  ...selection,
})

/** The body of `POST /api/jobs/priority`. */
export const prioritiseManyRequest = z.strictObject({
  priority: z.int().min(1).max(10).meta({ description: 'Jobs of a higher one are begun first; 5 is the default.' }),
  status: unfinished.meta({ description: 'What they do now.' }),
  since: time.optional().meta({ description: 'Jobs made at this time or later.' }),
  ...selection,
})

/** What a change of many jobs came to. */
export const changedJobs = z
  .object({
    count: z.int().meta({ description: 'How many jobs were changed, or would be.' }),
    more: z.boolean().meta({ description: `Whether there are more than the ${MAX_CHANGED} of one call.` }),
    by_rule: z.record(z.string(), z.int()).meta({ description: 'How many of each rule.' }),
    dry_run: z.boolean(),
  })
  .meta({ id: 'ChangedJobs' })
export type ChangedJobs = z.infer<typeof changedJobs>

type Selection = {
  status: readonly string[]
  cause?: z.infer<typeof jobCauseFilter> | undefined
  rule?: string | undefined
  type?: string | undefined
  agent?: string | undefined
  source?: string | undefined
  since?: string | undefined
  until?: string | undefined
  dry_run: boolean
}

/** Starts the chosen jobs again, those that ended first before the others. */
export function retryJobs(database: Database, clock: Clock, body: unknown): Promise<ChangedJobs> {
  const request = read(retryManyRequest, body)
  return database.transaction(async (tx) => {
    await keepPayloads(tx)
    return changeAll(tx, request, 'finished_at', (ids) => beginAgain(tx, clock, ids, { isNew: request.from_start }))
  })
}

/** Calls the chosen jobs off; those that run are stopped. */
export function cancelJobs(database: Database, clock: Clock, body: unknown): Promise<ChangedJobs> {
  const request = read(cancelManyRequest, body)
  const set = `status = 'cancelled', error = 'Cancelled by hand.', finished_at = coalesce($2::timestamptz, now())`
  return database.transaction((tx) =>
    changeAll(tx, request, 'created_at', (ids) => update(tx, set, [ids, clock.sqlNow()])),
  )
}

/** Gives the chosen jobs another priority. */
export function prioritiseJobs(database: Database, body: unknown): Promise<ChangedJobs> {
  const request = read(prioritiseManyRequest, body)
  return database.transaction((tx) =>
    changeAll(tx, request, 'created_at', (ids) => update(tx, 'priority = $2::smallint', [ids, request.priority])),
  )
}

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const { data, error } = schema.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return data
}

async function update(tx: Sql, set: string, values: unknown[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `update signalbox.jobs set ${set}
     where id = any($1::uuid[]) and status in ('pending', 'running', 'waiting') returning id`,
    values,
  )
  return rows.map(({ id }) => id)
}

/** Which jobs, of those that another transaction may change before they are locked. */
const CHOSEN = `status = any($1::text[]) and (ends_as is null or status <> 'running')
  and ($2::text is null or rule = $2) and ($3::text is null or type = $3) and ($4::text is null or agent = $4)`

// Rows are locked in the order in which settlements lock them. By the time that chooses them they
// would be locked in another order by each kind of change, and these would wait for each other.
async function changeAll(
  tx: Sql,
  request: Selection,
  timeColumn: 'created_at' | 'finished_at',
  change: (ids: string[]) => Promise<string[]>,
): Promise<ChangedJobs> {
  const { rule, type, agent, source, since, until, cause } = request
  if ([rule, type, agent, source, since, until, cause].every((each) => each === undefined)) {
    throw new AppError('input_invalid', 'the request: say which: by rule, type, agent, source, since or until')
  }
  const { rows } = await tx.query<{ id: string; rule: string; place: number }>(
    `with chosen as materialized (
       select id, row_number() over (order by ${timeColumn}, id) as place from signalbox.jobs
       where ${CHOSEN} and ($5::text is null or exists (
           select from signalbox.events e where e.id = jobs.event_id and e.source = $5))
         and ($6::timestamptz is null or ${timeColumn} >= $6) and ($7::timestamptz is null or ${timeColumn} < $7)
         and ($8::text[] is null or ${CAUSE} = any($8))
       order by ${timeColumn}, id limit $9
     )
     select id, rule, place from signalbox.jobs join chosen using (id) where ${CHOSEN}
     order by id for no key update of jobs`,
    [
      request.status,
      rule ?? null,
      type ?? null,
      agent ?? null,
      source ?? null,
      since === undefined ? null : new Date(since),
      until === undefined ? null : new Date(until),
      cause === undefined ? null : causesOf(cause),
      MAX_CHANGED + 1,
    ],
  )
  const chosen = rows.toSorted((one, other) => one.place - other.place).slice(0, MAX_CHANGED)
  const more = rows.length > MAX_CHANGED
  const ids = chosen.map(({ id }) => id)
  const changed = new Set(request.dry_run || ids.length === 0 ? ids : await change(ids))
  return {
    count: changed.size,
    more,
    by_rule: countByRule(chosen.filter(({ id }) => changed.has(id))),
    dry_run: request.dry_run,
  }
}

function countByRule(jobs: readonly { rule: string }[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { rule } of jobs) counts.set(rule, (counts.get(rule) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a))
}
