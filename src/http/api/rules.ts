// `/api/rules`: which events become which jobs, as configured.
import { createRoute } from '@hono/zod-openapi'
import type { Rule } from '../../rules/rule.ts'
import { ruleRow, ruleSummary } from '../../rules/wire.ts'
import type { Api } from './answer.ts'
import { failure, pageAnswer, query } from './answer.ts'

const list = createRoute({
  method: 'get',
  path: '/rules',
  summary: 'List the rules',
  tags: ['rules'],
  request: { query: query({}) },
  responses: { 200: pageAnswer('The rules, in order.', ruleSummary), default: failure },
})

/** Adds the route of rules. */
export function addRuleRoutes(api: Api, rules: readonly Rule[]): void {
  api.openapi(list, (c) => c.json({ items: rules.map(ruleRow), next: null }, 200))
}
