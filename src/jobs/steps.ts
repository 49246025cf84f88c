// A job's memory: what its finished steps returned, so that a job resumes behind the last of them.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText, GiveUp } from '../lib/error.ts'
import { LeaseLost } from '../queue/worker.ts'
import type { Step } from './job.ts'

/** Whose memory it is: nothing is written for a try that no longer holds the row. */
export type Hold = { id: string; attempt: number; owner: string }

/**
 * The row, if this try still holds it ($1 job, $2 attempt, $3 owner); locked, so that a take-over
 * waits for what is written with it.
 */
export const HELD = `select id, attempt from signalbox.jobs
  where id = $1::uuid and attempt = $2::integer and owner = $3::uuid and status = 'running' for share`

export function fenced(): LeaseLost {
  return new LeaseLost('This try no longer holds its job; nothing was written.')
}

/**
 * A value as JSON text, null for undefined; throws `GiveUp` for what JSON cannot say, because
 * another try would not change it.
 */
export function toJson(value: unknown, what: string): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch (error) {
    throw new GiveUp(`${what} is not JSON: ${errorText(error)}`)
  }
}

export type Memory = {
  step: Step
  /** Whether a step of that name has finished in this try or an earlier one. */
  has(name: string): boolean
  get(name: string): unknown
}

/** Opens the memory of a job. `stop` ends it: no step begins after that. */
export async function openMemory(sql: Sql, clock: Clock, hold: Hold, stop: AbortSignal): Promise<Memory> {
  const finished = new Map<string, unknown>()
  const begun = new Set<string>()
  // The first try cannot have finished any.
  if (hold.attempt > 1) {
    const { rows } = await sql.query<{ name: string; result: unknown }>(
      'select name, result from signalbox.job_steps where job_id = $1',
      [hold.id],
    )
    for (const row of rows) finished.set(row.name, row.result ?? undefined)
  }
  return {
    has: (name) => finished.has(name),
    get: (name) => finished.get(name),
    async step<T>(name: string, fn: () => Promise<T> | T): Promise<T> {
      stop.throwIfAborted()
      if (begun.has(name)) throw new GiveUp(`The agent has two steps named "${name}"; names are unique within a job.`)
      begun.add(name)
      if (finished.has(name)) return finished.get(name) as T
      const json = toJson(await fn(), `The result of step "${name}"`)
      stop.throwIfAborted()
      const { rowCount } = await sql.query(
        `with held as (${HELD})
         insert into signalbox.job_steps (job_id, name, attempt, result, finished_at)
         select id, $4, attempt, $5::json, coalesce($6::timestamptz, now()) from held`,
        [hold.id, hold.attempt, hold.owner, name, json, clock.sqlNow()],
      )
      if (rowCount === 0) throw fenced()
      // What a later try will see, also now: a Date is its text, and what JSON drops is gone.
      return (json === null ? undefined : JSON.parse(json)) as T
    },
  }
}
