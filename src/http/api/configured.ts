// `/api/rules`, `/api/agents`, `/api/sources`: what this server was configured with.
import { createRoute } from '@hono/zod-openapi'
import type { Agent } from '../../agents/agent.ts'
import type { Rule } from '../../rules/rule.ts'
import type { Source } from '../../sources/source.ts'
import type { Api } from './api.ts'
import { failure, pageAnswer, wire } from './wire.ts'

/** The parts that come from the configuration. */
export type Configured = {
  rules: readonly Rule[]
  agents: ReadonlyMap<string, Agent>
  sources: ReadonlyMap<string, Source>
}

function listOf(noun: string, description: string) {
  return createRoute({
    method: 'get',
    path: `/${noun}`,
    tags: [noun],
    responses: { 200: pageAnswer(description), default: failure },
  })
}

const rulesRoute = listOf('rules', 'The rules, in order.')
const agentsRoute = listOf('agents', 'The agents by name.')
const sourcesRoute = listOf('sources', 'The sources, and whether each is open.')

/** Adds the routes of what is configured; none of it shows a secret. */
export function addConfiguredRoutes(api: Api, { rules, agents, sources }: Configured): void {
  api.openapi(rulesRoute, (c) => c.json({ items: rules.map(wire), next: null }, 200))
  api.openapi(agentsRoute, (c) => {
    const items = [...agents.values()].map(({ name, description }) => ({ name, description }))
    return c.json({ items, next: null }, 200)
  })
  api.openapi(sourcesRoute, (c) => {
    const items = [...sources.values()].map(({ name, secrets }) => ({
      name,
      path: `/webhook/${name}`,
      status: secrets.length > 0 ? 'open' : 'closed',
      secrets: secrets.length,
    }))
    return c.json({ items, next: null }, 200)
  })
}
