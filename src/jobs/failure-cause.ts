// Why a job has failed, in one word: whether that is a fault of this installation, or of others.
import { z } from 'zod'
import { AgentDied, AppError, BudgetUsed, GiveUp } from '../lib/error.ts'
import { MAX_DEFERRALS } from '../queue/settle.ts'

// What is ours to mend: a bug, a crash, a lost process, a limit that is set here.
const OURS = ['error', 'crash', 'lost', 'limit'] as const
const OTHERS = ['refused', 'outside', 'by hand'] as const

/** Why a job has failed. */
export const jobCause = z.enum([...OURS, ...OTHERS]).meta({
  description:
    '`error`: something unexpected was thrown; `crash`: its process ended; `lost`: its orchestrators vanished; `limit`: of time, budget or attempts; `refused`: its agent gave up, or was refused; `outside`: something could not be reached; `by hand`: a person ended it.',
})

/** A cause to choose jobs by; `ours` is each of `error`, `crash`, `lost` and `limit`. */
export const jobCauseFilter = z.enum(['ours', ...OURS, ...OTHERS])

/** The causes that a filter names. */
export function causesOf(filter: z.infer<typeof jobCauseFilter>): string[] {
  return filter === 'ours' ? [...OURS] : [filter]
}

/**
 * The cause of a job's failure as a value of SQL; null of a job that has not failed. A job whose
 * last attempt did not end it was ended by hand, which has another error.
 */
export const CAUSE = `case
    when jobs.status <> 'failed' then null
    when jobs.deferrals >= ${MAX_DEFERRALS} then 'limit'
    else coalesce((
      select case when a.error is distinct from jobs.error then null when a.outcome = 'lost' then 'lost'
        when a.outcome = 'failed' then coalesce(a.cause, 'error') end
      from signalbox.job_attempts a where a.job_id = jobs.id order by a.attempt desc limit 1), 'by hand') end`

const UNREACHABLE = /^(?:E(?:CONN|HOST|NET|AI_|TIMEDOUT|PIPE)|ENOTFOUND|UND_ERR|CERT_|ERR_TLS)/
// Of what another process has thrown, only the name is left.
const UNREACHABLE_NAMES: ReadonlySet<string> = new Set(['Overloaded', 'GitError'])
const MAX_CAUSES = 10

/** What an attempt failed by, as far as its error says. */
export function causeOf(
  error: unknown,
  { isOverTime }: { isOverTime: boolean },
): 'error' | 'crash' | 'limit' | 'refused' | 'outside' {
  if (isOverTime || error instanceof BudgetUsed) return 'limit'
  if (error instanceof AgentDied) return 'crash'
  if (isUnreachable(error)) return 'outside'
  return error instanceof GiveUp || error instanceof AppError ? 'refused' : 'error'
}

function isUnreachable(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return false
  const { code, cause, name } = error as { code?: unknown; cause?: unknown; name: string }
  if (code === 'database_unavailable' || UNREACHABLE_NAMES.has(name)) return true
  return (typeof code === 'string' && UNREACHABLE.test(code)) || isUnreachable(cause, depth + 1)
}
