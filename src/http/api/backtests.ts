// `/api/backtests`: what rules would have made of the past, a page at a time.
import { setImmediate } from 'node:timers/promises'
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import { AppError } from '../../lib/error.ts'
import type { Tally } from '../../replay/backtest.ts'
import { addTallies, rulesToTest, tallyOf, tally as tallySchema } from '../../replay/backtest.ts'
import { MAX_PAST_PAGE, pastEvent, pastEvents, ruleCost, ruleCosts } from '../../replay/history.ts'
import type { InstalledRule } from '../../rules/rule.ts'
import type { Api } from './answer.ts'
import { answer, failure, pageAnswer, query } from './answer.ts'
import type { ApiParts } from './api.ts'

const EVENTS_AT_ONCE = 100

const when = z.iso.datetime({ offset: true })
const limit = z.coerce.number().int().min(1).max(MAX_PAST_PAGE).default(MAX_PAST_PAGE)
const span = {
  since: when.meta({ description: 'Events received at this time or later.' }),
  until: when.optional().meta({ description: 'And before this time. Default: now.' }),
  type: z.string().optional().meta({ description: 'A type, or a glob such as `issues.*`.' }),
  source: z.string().optional(),
  after: z.string().optional().meta({ description: 'The `next` of the page before.' }),
  limit: limit.meta({ description: 'Events per page, oldest first.' }),
}

const next = z.string().nullable().meta({ description: 'The `after` of the next page; null on the last one.' })

/** A page of a back-test. */
export const backtestPage = z.object({
  tally: tallySchema,
  newest: z.string().nullable().meta({ description: 'When its newest event was received.' }),
  next,
})

const backtest = createRoute({
  method: 'get',
  path: '/backtests',
  summary: 'Test the rules on past events',
  tags: ['rules'],
  request: { query: query({ ...span, rule: z.string().optional().meta({ description: 'Only this rule.' }) }) },
  responses: { 200: answer('How often each rule would have fired.', backtestPage), default: failure },
})
const events = createRoute({
  method: 'get',
  path: '/backtests/events',
  summary: 'Read past events with the jobs they made',
  tags: ['rules'],
  request: { query: query(span) },
  responses: { 200: pageAnswer('Past events, oldest first.', pastEvent), default: failure },
})
const costs = createRoute({
  method: 'get',
  path: '/backtests/costs',
  summary: 'Read what jobs have cost by rule',
  tags: ['rules'],
  request: { query: query({}) },
  responses: { 200: pageAnswer('What the newest completed jobs of each rule have used.', ruleCost), default: failure },
})

/** Adds the routes. */
export function addBacktestRoutes(api: Api, { configured, looking }: Pick<ApiParts, 'configured' | 'looking'>): void {
  const named = (name: string | undefined) => {
    const rules: readonly InstalledRule[] = configured.rules
    if (name !== undefined && !rules.some((rule) => rule.name === name)) {
      throw new AppError('not_found', `There is no rule ${JSON.stringify(name)}.`)
    }
    return rulesToTest(rules, name)
  }
  api.openapi(events, async (c) => c.json(await pastEvents(looking, c.req.valid('query')), 200))
  api.openapi(costs, async (c) => c.json({ items: await ruleCosts(looking), next: null }, 200))
  api.openapi(backtest, async (c) => {
    const { rule, ...asked } = c.req.valid('query')
    return c.json(await backtestOf(looking, named(rule), asked, rule), 200)
  })
}

async function backtestOf(
  looking: Database,
  rules: ReturnType<typeof rulesToTest>,
  asked: Parameters<typeof pastEvents>[1],
  only: string | undefined,
): Promise<z.infer<typeof backtestPage>> {
  const page = await pastEvents(looking, asked)
  let tally: Tally = tallyOf(rules, [])
  for (let at = 0; at < page.items.length; at += EVENTS_AT_ONCE) {
    // Webhooks are received by the same thread.
    await setImmediate()
    tally = addTallies(tally, tallyOf(rules, page.items.slice(at, at + EVENTS_AT_ONCE), only))
  }
  return { tally, newest: page.items.at(-1)?.received_at ?? null, next: page.next }
}
