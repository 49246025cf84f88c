// What an installation consists of: the built-in parts, and those of its configuration and
// environment.
import type { Agent } from '../agents/agent.ts'
import { deploymentPr } from '../agents/deployment-pr/deployment-pr.ts'
import { ping } from '../agents/ping/ping.ts'
import type { WriteForge } from '../forges/forge.ts'
import type { Forges } from '../forges/forges.ts'
import { forgesFrom } from '../forges/forges.ts'
import { github as githubForge } from '../forges/github/github.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { checkPolicies } from '../publisher/policy.ts'
import { defaultRules, parseRules } from '../rules/define.ts'
import type { Rule } from '../rules/rule.ts'
import type { Source } from '../sources/source.ts'
import { sourcesFrom } from '../sources/sources.ts'
import type { Config } from './config-file.ts'

/** What the configuration and the environment come to. */
export type Configured = {
  sources: ReadonlyMap<string, Source>
  agents: ReadonlyMap<string, Agent>
  rules: readonly Rule[]
  forges: Forges
}

function agentsByName(given: readonly Agent[]): ReadonlyMap<string, Agent> {
  const agents = new Map<string, Agent>()
  for (const agent of given) {
    if (typeof agent?.run !== 'function') {
      throw new AppError('config_invalid', 'Something among the agents is none: make them with defineAgent or command.')
    }
    if (agents.has(agent.name)) throw new AppError('config_invalid', `Two agents are called "${agent.name}".`)
    agents.set(agent.name, agent)
  }
  return agents
}

function githubFrom(environment: Environment, log: Log): WriteForge | null {
  const {
    GITHUB_TOKEN: token,
    GITHUB_APP_ID: appId,
    GITHUB_APP_PRIVATE_KEY: privateKey,
    GITHUB_API_URL: apiUrl,
  } = environment
  if (token !== undefined) return githubForge({ apiUrl, auth: { token }, log })
  if (appId !== undefined && privateKey !== undefined) return githubForge({ apiUrl, auth: { appId, privateKey }, log })
  return null
}

/**
 * Puts the built-in parts and the configured ones together, and checks them.
 * @throws AppError `config_invalid`
 */
export function configure(environment: Environment, config: Config, log: Log): Configured {
  const { GITHUB_REPO: repository, GITHUB_BASE_BRANCH: base } = environment
  const builtIn = [ping, deploymentPr({ ...(repository && { repository }), ...(base && { base }) })]
  const agents = agentsByName([...builtIn, ...(config.agents ?? [])])
  const sources = sourcesFrom({
    githubSecrets: environment.GITHUB_WEBHOOK_SECRET,
    agentaSecrets: environment.AGENTA_WEBHOOK_SECRET,
    others: config.sources ?? [],
  })
  const rules = parseRules(config.rules ?? defaultRules, [...agents.keys()])
  checkPolicies(rules)
  return { sources, agents, rules, forges: forgesFrom({ github: githubFrom(environment, log) }) }
}
