// What resolves Agenta's own events: its API, where it is set up, and the rule that asks for it.
import type { AgentaApi } from '../agents/agenta-deployment/agenta-api.ts'
import { agentaApi } from '../agents/agenta-deployment/agenta-api.ts'
import type { Environment } from '../lib/environment.ts'
import type { Rule } from '../rules/rule.ts'

/**
 * The rule that makes deployments of what Agenta reports. Commits of one environment take their
 * turn, so that each is compared with the one before.
 */
export const AGENTA_RULE: Rule = {
  name: 'agenta-deployment',
  on: 'agenta.environments.revisions.committed',
  source: 'agenta',
  agent: 'agenta-deployment',
  concurrency: { key: 'agenta:{project}:{environment}' },
  // With the pauses between them two hours, in which Agenta may be away.
  maxAttempts: 20,
}

/** What to set before Agenta's events can be resolved; null when nothing is missing. */
export function agentaNeeds({ AGENTA_API_URL: url, AGENTA_API_KEY: key }: Environment): string | null {
  const missing = [...(url === undefined ? ['AGENTA_API_URL'] : []), ...(key === undefined ? ['AGENTA_API_KEY'] : [])]
  return missing.length === 0 ? null : `set ${missing.join(' and ')}`
}

/** Agenta's API; null where it is not set up. */
export function agentaApiOf(environment: Environment): AgentaApi | null {
  const { AGENTA_API_URL: url, AGENTA_API_KEY: key } = environment
  return url === undefined || key === undefined ? null : agentaApi({ url, key, proxies: environment })
}

/**
 * The rules, with the one for Agenta's events where its API is set up and no rule is for the agent:
 * its events are left as they are then, and without a rule nothing would become of them.
 */
export function withAgentaRule(rules: readonly Rule[], environment: Environment): readonly Rule[] {
  const isNeeded = agentaNeeds(environment) === null && !rules.some(({ agent }) => agent === AGENTA_RULE.agent)
  return isNeeded ? [...rules, AGENTA_RULE] : rules
}
