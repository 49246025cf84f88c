// What the finished steps of a job returned, so that it resumes after the last of them.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText, GiveUp } from '../lib/error.ts'
import { untilStopped } from '../lib/until-stopped.ts'
import type { AttemptRef } from './fence.ts'
import { fenced, insist, LEASED, refValues } from './fence.ts'
import type { Step } from './job.ts'

/**
 * A value as JSON text, null for undefined.
 * @throws GiveUp for what JSON cannot say, because another attempt would not change it.
 */
export function toJson(value: unknown, what: string): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch (error) {
    throw new GiveUp(`${what} is not JSON: ${errorText(error)}`)
  }
}

/** The steps of one attempt. */
export type StepStore = { step: Step }

/** Opens the steps of a job. `stop` ends them: no step begins after that. */
export async function openStepStore(
  sql: Sql,
  ref: AttemptRef,
  { clock, stop }: { clock: Clock; stop: AbortSignal },
): Promise<StepStore> {
  const finished = await readFinished(sql, ref)
  const begun = new Set<string>()

  async function run<T>(name: string, fn: () => Promise<T> | T): Promise<T> {
    try {
      return await fn()
    } catch (error) {
      // Nothing was remembered, so the agent may call it again.
      begun.delete(name)
      throw error
    }
  }

  async function save(name: string, json: string | null): Promise<void> {
    const { rowCount } = await sql.query(
      `with leased as (${LEASED})
       insert into signalbox.job_steps as stored (job_id, name, attempt, result, finished_at)
       select id, $4, attempt, $5::json, coalesce($6::timestamptz, now()) from leased
       on conflict (job_id, name) do update set result = excluded.result where stored.attempt = excluded.attempt`,
      [...refValues(ref), name, json, clock.sqlNow()],
      'step',
    )
    if (rowCount === 0) throw fenced()
  }

  return {
    async step<T>(name: string, fn: () => Promise<T> | T): Promise<T> {
      stop.throwIfAborted()
      if (begun.has(name)) throw new GiveUp(`The agent has two steps named "${name}"; names are unique within a job.`)
      begun.add(name)
      if (finished.has(name)) return finished.get(name) as T
      const json = toJson(await run(name, fn), `The result of step "${name}"`)
      stop.throwIfAborted()
      // A stopped agent ends at once, though the database may not answer for half a minute: soon
      // its job may be somebody else's.
      const saved = insist(stop, () => save(name, json))
      await untilStopped(stop, 0, saved)
      // What a later attempt will see, also now: a Date is its text, and what JSON drops is gone.
      return (json === null ? undefined : JSON.parse(json)) as T
    },
  }
}

async function readFinished(sql: Sql, { id, attempt }: AttemptRef): Promise<Map<string, unknown>> {
  // The first attempt cannot have finished any.
  if (attempt === 1) return new Map()
  const { rows } = await sql.query<{ name: string; isNull: boolean; result: unknown }>(
    'select name, result is null as "isNull", result from signalbox.job_steps where job_id = $1',
    [id],
  )
  return new Map(rows.map(({ name, isNull, result }) => [name, isNull ? undefined : result]))
}
