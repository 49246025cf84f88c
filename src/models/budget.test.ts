import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BudgetUsed, GiveUp } from '../lib/error.ts'
import { allowedTokens, budgetSchema, lowerBudget, requireWithin } from './budget.ts'
import { costOf, parsePrices } from './prices.ts'
import type { ModelRequest } from './request.ts'

const price = { input: 3, output: 15 }
const nothing = { tokens: 0, usd: 0 }

function request(bytes: number, maxTokens?: number): ModelRequest {
  const content = 'x'.repeat(bytes)
  return { messages: [{ role: 'user', content }], ...(maxTokens === undefined ? {} : { maxTokens }) }
}

function allowed(budget: Parameters<typeof allowedTokens>[0], spent = nothing, asked = request(300)) {
  return allowedTokens(budget, spent, { label: 'a/b', request: asked, price })
}

describe('a call within a budget', () => {
  test('may be answered with what is left of it, and no more than it asks for', () => {
    expect(allowed({ tokens: 1000 })).toBe(900)
    expect(allowed({ tokens: 1000 }, { tokens: 500, usd: 0 })).toBe(400)
    expect(allowed({ tokens: 1000 }, nothing, request(300, 50))).toBe(50)
    expect(allowed({ usd: 0.01 })).toBe(646)
    expect(allowed({ usd: 0.01, tokens: 300 })).toBe(200)
    expect(allowed({ minutes: 5 })).toBeUndefined()
    // Providers refuse to be asked for more than their models can say.
    expect(allowed({ tokens: 3_000_000 })).toBeUndefined()
    expect(allowed({ tokens: 3_000_000 }, nothing, request(300, 50))).toBe(50)
  })

  test('is the lower one of two, each part by itself', () => {
    expect(lowerBudget(null, undefined)).toBeNull()
    expect(lowerBudget({ tokens: 5 }, undefined)).toEqual({ tokens: 5 })
    expect(lowerBudget(null, { usd: 2 })).toEqual({ usd: 2 })
    expect(lowerBudget({ usd: 1, minutes: 3 }, { usd: 2, tokens: 9 })).toEqual({ usd: 1, tokens: 9, minutes: 3 })
  })

  test('counts tools and their calls as what is sent', () => {
    const plain: ModelRequest = { messages: [{ role: 'user', content: 'x'.repeat(300) }] }
    const tools = [{ name: 'read', description: 'x'.repeat(300), schema: {} }]
    const called = { id: 'one', name: 'read', arguments: { path: 'x'.repeat(300) } }
    const result = { role: 'tool' as const, id: 'one', name: 'read', content: 'x'.repeat(300) }
    const messages = [...plain.messages, { role: 'assistant' as const, content: '', toolCalls: [called] }, result]
    expect(allowed({ tokens: 1000 }, nothing, { ...plain, tools })).toBeLessThan(800)
    expect(allowed({ tokens: 1000 }, nothing, { tools, messages })).toBeLessThan(600)
  })

  test('is not begun when it would exceed it', () => {
    expect(() => allowed({ tokens: 150 })).toThrow(GiveUp)
    expect(() => allowed({ tokens: 150 })).toThrow(BudgetUsed)
    expect(() => allowed({ tokens: 1000 }, { tokens: 950, usd: 0 })).toThrow(
      'The next call of a/b was not begun, because it would exceed its budget: 950 of 1000 tokens are used.',
    )
    expect(() => allowed({ usd: 0.001 }, { tokens: 9, usd: 0.0005 })).toThrow('$0.0005 of $0.001 are used.')
  })

  test('never costs more than the budget, if it is counted right', () => {
    fc.assert(
      fc.property(
        fc.record({ tokens: fc.integer({ min: 1, max: 1e6 }), usd: fc.double({ min: 1e-6, max: 10, noNaN: true }) }),
        fc.record({ tokens: fc.integer({ min: 0, max: 1e6 }), usd: fc.double({ min: 0, max: 10, noNaN: true }) }),
        fc.integer({ min: 1, max: 10_000 }),
        (budget, spent, bytes) => {
          let most: number | undefined
          try {
            most = allowed(budget, spent, request(bytes))
          } catch (error) {
            return error instanceof GiveUp
          }
          const inputTokens = Math.ceil(bytes / 3)
          const usd = costOf(price, { inputTokens, outputTokens: most ?? 0 }) ?? 0
          return spent.tokens + inputTokens + (most ?? 0) <= budget.tokens && spent.usd + usd <= budget.usd + 1e-9
        },
      ),
    )
  })

  test('whose price is not known cannot be within dollars', () => {
    const call = { label: 'a/b', request: request(3), price: undefined }
    expect(() => allowedTokens({ usd: 1 }, nothing, call)).toThrow(/"prices" of the configuration has none for a\/b/)
  })
})

test('a job that has used more than its budget ends', () => {
  expect(() => requireWithin({ tokens: 10 }, { tokens: 11, usd: 0 })).toThrow(BudgetUsed)
  expect(() => requireWithin({ tokens: 10 }, { tokens: 11, usd: 0 })).toThrow(
    'The job has exceeded its budget: 11 of 10 tokens are used.',
  )
  expect(() => requireWithin({ tokens: 10, usd: 1 }, { tokens: 10, usd: 1 })).not.toThrow()
})

test('an empty budget is a slip', () => {
  expect(budgetSchema.safeParse({}).error?.issues[0]?.message).toBe('must have tokens, usd or minutes')
})

test('a wrong price is named', () => {
  expect(() => parsePrices({ 'a/b': { input: -1, output: 1 } })).toThrow(
    /^prices\.a?"?a\/b"?\.input: must be at least 0$/,
  )
  expect(() => parsePrices([])).toThrow(/^prices: must be an object/)
  expect(parsePrices(undefined)).toEqual({})
})
