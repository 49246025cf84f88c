// The calls of models that a job makes: each is recorded with its tokens and its price, and none is
// begun that its budget does not allow.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { GiveUp } from '../lib/error.ts'
import type { Budget, Spent, Used } from '../models/budget.ts'
import { allowedTokens, lowerBudget, requireWithin } from '../models/budget.ts'
import type { ModelRef } from '../models/model-ref.ts'
import type { Models } from '../models/models.ts'
import { nameOf } from '../models/models.ts'
import { priceOf } from '../models/prices.ts'
import type { ModelAnswer, ModelRequest } from '../models/request.ts'
import { insist } from './fence.ts'

type Options = {
  clock: Clock
  stop: AbortSignal
  models: Pick<Models, 'call' | 'prices' | 'defaultModel'>
  model: ModelRef | undefined
  budget: Budget | null
  /** Called with each answer. */
  onAnswer?: ((answer: ModelAnswer) => void) | undefined
}

/**
 * What calls the model of a job. With a budget one call is made after the other, because only then
 * it is known what is left.
 */
export function openModelCalls(
  sql: Sql,
  ref: { id: string; attempt: number },
  { clock, stop, models, model, budget, onAnswer }: Options,
): { answer(request: ModelRequest): Promise<ModelAnswer>; used(): Promise<Used> } {
  const label = nameOf(models, model)
  let last: Promise<unknown> = Promise.resolve()

  const call = async (request: ModelRequest): Promise<ModelAnswer> => {
    const answer = await models.call(model, request, stop)
    onAnswer?.(answer)
    // Whoever has the job now: the money is spent.
    await insist(stop, () => record(sql, ref, { clock, name: request.name, answer }))
    return answer
  }
  const callWithin = async (limits: Budget, request: ModelRequest): Promise<ModelAnswer> => {
    const before = await insist(stop, () => readSpent(sql, ref.id))
    const maxTokens = allowedTokens(limits, before, { label, request, price: priceOf(models.prices, label) })
    const answer = await call(maxTokens === undefined ? request : { ...request, maxTokens })
    requireWithin(limits, after(before, answer))
    return answer
  }
  return {
    answer({ budget: own, ...request }) {
      const limits = lowerBudget(budget, own)
      if (limits === null || (limits.tokens === undefined && limits.usd === undefined)) return call(request)
      const next = last.then(() => callWithin(limits, request))
      last = next.catch(() => {})
      return next
    },
    async used() {
      const { tokens, usd, hasPrices } = await insist(stop, () => readSpent(sql, ref.id))
      return { tokens, usd: hasPrices ? usd : null, budget }
    },
  }
}

function after({ tokens, usd }: Spent, answer: ModelAnswer): Spent {
  return { tokens: tokens + answer.inputTokens + answer.outputTokens, usd: usd + (answer.usd ?? 0) }
}

type Call = { clock: Clock; name: string | undefined; answer: ModelAnswer }

async function record(sql: Sql, ref: { id: string; attempt: number }, { clock, name, answer }: Call): Promise<void> {
  await sql.query(
    `insert into signalbox.job_model_calls (job_id, attempt, name, model, input_tokens, output_tokens, usd, took_ms, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9::timestamptz, now()))`,
    [
      ref.id,
      ref.attempt,
      name ?? null,
      answer.model,
      answer.inputTokens,
      answer.outputTokens,
      answer.usd,
      answer.tookMs,
      clock.sqlNow(),
    ],
    'model call',
  )
}

async function readSpent(sql: Sql, jobId: string): Promise<Spent & { hasPrices: boolean }> {
  const { rows } = await sql.query<Spent & { hasPrices: boolean }>(
    `select coalesce(sum(input_tokens + output_tokens), 0)::float8 as tokens, coalesce(sum(usd), 0) as usd,
       count(*) = count(usd) as "hasPrices"
     from signalbox.job_model_calls where job_id = $1`,
    [jobId],
  )
  return rows[0] ?? { tokens: 0, usd: 0, hasPrices: true }
}

/**
 * Milliseconds that an attempt may take by the minutes of its job's budget, of which the attempts
 * before have used some.
 * @throws GiveUp when none are left.
 */
export async function minutesLeftMs(sql: Sql, jobId: string, minutes: number): Promise<number> {
  const { rows } = await sql.query<{ usedMs: number }>(
    `select coalesce(sum(extract(epoch from finished_at - started_at) * 1000), 0)::float8 as "usedMs"
     from signalbox.job_attempts where job_id = $1`,
    [jobId],
  )
  const leftMs = minutes * 60_000 - (rows[0]?.usedMs ?? 0)
  if (leftMs <= 0) throw minutesUsed(minutes)
  return leftMs
}

/** The error of a job that has run for as long as its budget says. */
export function minutesUsed(minutes: number): GiveUp {
  return new GiveUp(`The job has used its budget of ${minutes} minutes.`)
}
