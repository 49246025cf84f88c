// `/api/rules`: which events become which jobs, as configured; and pausing one.
import { createRoute, z } from '@hono/zod-openapi'
import { AppError } from '../../lib/error.ts'
import type { InstalledRule } from '../../rules/rule.ts'
import { loadPaused, pauseRule, resumeRule } from '../../rules/states.ts'
import { pauseRequest, readPause, ruleRow, ruleSummary } from '../../rules/wire.ts'
import type { Api } from './answer.ts'
import { answer, failure, jsonBody, pageAnswer, query } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const nameParam = z.object({ name: z.string().meta({ description: 'The name of the rule, encoded for a path.' }) })

const list = createRoute({
  method: 'get',
  path: '/rules',
  summary: 'List the rules',
  tags: ['rules'],
  request: { query: query({}) },
  responses: { 200: pageAnswer('The rules, in order.', ruleSummary), default: failure },
})
const pause = createRoute({
  method: 'post',
  path: '/rules/{name}/pause',
  summary: 'Pause a rule',
  tags: ['rules'],
  description: 'A paused rule makes no jobs; those that it made go on. One that is paused gets the new reason.',
  request: { params: nameParam, body: { ...jsonBody(pauseRequest), required: false } },
  responses: { 200: answer('The rule, paused.', ruleSummary), default: failure },
})
const resume = createRoute({
  method: 'post',
  path: '/rules/{name}/resume',
  summary: 'Let a paused rule make jobs again',
  tags: ['rules'],
  description: 'Events that came meanwhile get no jobs. What made Signalbox pause the rule is counted anew.',
  request: { params: nameParam },
  responses: { 200: answer('The rule as it is now.', ruleSummary), default: failure },
})

/** Adds the routes of rules. */
export function addRuleRoutes(
  api: Api,
  { configured, database, looking, clock }: Pick<ApiParts, 'configured' | 'database' | 'looking' | 'clock'>,
): void {
  const { rules } = configured
  const existing = (name: string): InstalledRule => {
    const found = rules.find((rule) => rule.name === name)
    if (found === undefined) throw new AppError('not_found', `There is no rule ${JSON.stringify(name)}.`)
    return found
  }
  const show = async (rule: InstalledRule) => ruleRow(rule, (await loadPaused(database)).get(rule.name))
  api.openapi(list, async (c) => {
    const paused = await loadPaused(looking)
    return c.json({ items: rules.map((rule) => ruleRow(rule, paused.get(rule.name))), next: null }, 200)
  })
  api.openapi(pause, async (c) => {
    const rule = existing(c.req.valid('param').name)
    const { reason } = readPause(c.req.header('content-type') === undefined ? {} : await readJson(c))
    await pauseRule(database, clock, rule.name, { reason })
    return c.json(await show(rule), 200)
  })
  api.openapi(resume, async (c) => {
    const rule = existing(c.req.valid('param').name)
    await resumeRule(database, clock, rule.name)
    return c.json(await show(rule), 200)
  })
}
