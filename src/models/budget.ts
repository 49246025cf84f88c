// What a job may spend on models, checked before each call and after it.
import { z } from 'zod'
import { BudgetUsed, GiveUp } from '../lib/error.ts'
import type { Prices } from './prices.ts'
import type { ModelRequest } from './request.ts'

// No model's answer is as long: the provider's own limit stands.
const LONGEST_ANSWER_TOKENS = 200_000
// An answer shorter than this is of no use.
const MIN_ANSWER_TOKENS = 100
// English has about four bytes in a token, Chinese three: more tokens are expected than will come.
const BYTES_PER_TOKEN = 3

/** Checks a rule's budget. */
export const budgetSchema = z
  .strictObject({
    tokens: z.int().min(1).optional(),
    usd: z.number().positive().optional(),
    minutes: z.number().positive().max(100_000).optional(),
  })
  .refine((given) => Object.keys(given).length > 0, 'must have tokens, usd or minutes')

/**
 * What a job may use in all its attempts together: `tokens`, those it sends and gets; `usd`, by the
 * configured prices; `minutes` of running.
 */
export type Budget = z.infer<typeof budgetSchema>

/** What a job has used so far. */
export type Spent = { tokens: number; usd: number }

/** What a job has used, and may use; `usd` is null where a call had no price. */
export type Used = { tokens: number; usd: number | null; budget: Budget | null }

/** The lower of two budgets, each part by itself; null: no limit. */
export function lowerBudget(one: Budget | null, other: Budget | undefined): Budget | null {
  if (one === null || other === undefined) return one ?? other ?? null
  return { ...one, ...lower(one, other, 'tokens'), ...lower(one, other, 'usd') }
}

function lower(one: Budget, other: Budget, part: 'tokens' | 'usd'): Budget {
  const least = Math.min(one[part] ?? Number.POSITIVE_INFINITY, other[part] ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(least) ? { [part]: least } : {}
}

type Call = { label: string; request: ModelRequest; price: Prices[string] | undefined }

/**
 * The length that an answer may have so that the call stays within the budget; undefined: any.
 * @throws BudgetUsed when the call would exceed it, GiveUp when its cost cannot be known.
 */
export function allowedTokens(budget: Budget, spent: Spent, { label, request, price }: Call): number | undefined {
  requireWithin(budget, spent)
  const input = tokensOf(request)
  const left = [request.maxTokens ?? Number.POSITIVE_INFINITY]
  if (budget.tokens !== undefined) left.push(budget.tokens - spent.tokens - input)
  if (budget.usd !== undefined) {
    if (price === undefined) {
      throw new GiveUp(`The budget of the job is in dollars, and "prices" of the configuration has none for ${label}.`)
    }
    const usd = budget.usd - spent.usd - (input * price.input) / 1_000_000
    // Where answers are free, only what is sent counts.
    left.push(price.output === 0 ? (usd < 0 ? -1 : Number.POSITIVE_INFINITY) : (usd * 1_000_000) / price.output)
  }
  const most = Math.floor(Math.min(...left))
  if (most < Math.min(MIN_ANSWER_TOKENS, request.maxTokens ?? MIN_ANSWER_TOKENS)) {
    throw new BudgetUsed(`The next call of ${label} was not begun, because it would exceed ${sentence(budget, spent)}`)
  }
  return most <= LONGEST_ANSWER_TOKENS || most === request.maxTokens ? most : undefined
}

/** @throws BudgetUsed when a job has used more than its budget. */
export function requireWithin(budget: Budget, spent: Spent): void {
  const { tokens = Number.POSITIVE_INFINITY, usd = Number.POSITIVE_INFINITY } = budget
  if (spent.tokens > tokens || spent.usd > usd) throw new BudgetUsed(`The job has exceeded ${sentence(budget, spent)}`)
}

function sentence({ tokens, usd }: Budget, spent: Spent): string {
  const parts = [
    ...(tokens === undefined ? [] : [`${spent.tokens} of ${tokens} tokens`]),
    ...(usd === undefined ? [] : [`$${spent.usd.toFixed(4)} of $${usd}`]),
  ]
  return `its budget: ${parts.join(' and ')} are used.`
}

/** About how many tokens a request has, rather too many than too few. */
function tokensOf({ system = '', messages, schema, tools }: ModelRequest): number {
  const called = messages.map((message) => (message.role === 'assistant' ? message.toolCalls : undefined))
  const json = [schema, tools, ...called].filter((part) => part !== undefined).map((part) => JSON.stringify(part))
  const texts = [system, ...messages.map(({ content }) => content), ...json]
  return Math.ceil(texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0) / BYTES_PER_TOKEN)
}
