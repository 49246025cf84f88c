// Who may write for a job: only the attempt that still has it.
import { LeaseLost } from '../queue/running.ts'

/** The attempt of a job that writes, and the worker that makes it. */
export type AttemptRef = { id: string; attempt: number; owner: string }

/**
 * Selects the job if this attempt still has it ($1 job, $2 attempt, $3 owner); locked, so that a
 * reclaim waits for what is written with it.
 */
export const LEASED = `select id, attempt from signalbox.jobs
  where id = $1::uuid and attempt = $2::integer and owner = $3::uuid and status = 'running' for share`

/** The parameters of `LEASED`. */
export function refValues({ id, attempt, owner }: AttemptRef): [string, number, string] {
  return [id, attempt, owner]
}

/** The error of a write that found its job taken. */
export function fenced(): LeaseLost {
  return new LeaseLost('This attempt no longer has its job; nothing was written.')
}
