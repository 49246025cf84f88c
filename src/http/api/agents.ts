// `/api/agents`: the code that does the jobs, as configured.
import { createRoute } from '@hono/zod-openapi'
import type { Agent } from '../../agents/agent.ts'
import { agentRow, agentSummary } from '../../agents/wire.ts'
import type { Api } from './answer.ts'
import { failure, pageAnswer, query } from './answer.ts'

const list = createRoute({
  method: 'get',
  path: '/agents',
  summary: 'List the agents',
  tags: ['agents'],
  request: { query: query({}) },
  responses: { 200: pageAnswer('The agents by name.', agentSummary), default: failure },
})

/** Adds the route of agents. */
export function addAgentRoutes(api: Api, agents: ReadonlyMap<string, Agent>): void {
  const items = [...agents.values()].map(agentRow)
  api.openapi(list, (c) => c.json({ items, next: null }, 200))
}
