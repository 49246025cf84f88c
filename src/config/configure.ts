// What an installation consists of: the built-in parts, and those of its configuration and
// environment.
import type { Agent } from '../agents/agent.ts'
import { deploymentPr } from '../agents/deployment-pr/deployment-pr.ts'
import { ping } from '../agents/ping/ping.ts'
import type { WriteForge } from '../forges/forge.ts'
import { github as githubForge } from '../forges/github/github.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { defaultRules, parseRules } from '../rules/define.ts'
import type { Rule } from '../rules/rule.ts'
import type { Source } from '../sources/source.ts'
import { sourcesFrom } from '../sources/sources.ts'
import type { Config } from './config-file.ts'

/** What the built-in parts, the configuration file and the environment add up to. */
export type Installation = {
  sources: ReadonlyMap<string, Source>
  agents: ReadonlyMap<string, Agent>
  rules: readonly Rule[]
  forge: WriteForge | null
}

function agentsByName(builtIn: readonly Agent[], others: readonly Agent[]): ReadonlyMap<string, Agent> {
  const agents = new Map(builtIn.map((agent) => [agent.name, agent]))
  for (const [index, agent] of others.entries()) {
    const entry = `agents[${index}]`
    if (typeof agent?.run !== 'function') {
      const remedy = 'create agents with defineAgent() or command().'
      throw new AppError('config_invalid', `${entry} is not an agent: ${remedy}`)
    }
    if (agents.has(agent.name)) {
      throw new AppError(
        'config_invalid',
        `${entry}.name: another agent is called "${agent.name}"; choose another name.`,
      )
    }
    agents.set(agent.name, agent)
  }
  return agents
}

function forgeFrom(environment: Environment, log: Log): WriteForge | null {
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
 * @throws AppError `config_invalid` naming the entry and the field at fault.
 */
export function configure(environment: Environment, config: Config, log: Log): Installation {
  const { GITHUB_REPO: repository, GITHUB_BASE_BRANCH: base } = environment
  const builtIn = [ping, deploymentPr({ ...(repository && { repository }), ...(base && { base }) })]
  const agents = agentsByName(builtIn, config.agents ?? [])
  const sources = sourcesFrom({
    githubSecrets: environment.GITHUB_WEBHOOK_SECRET,
    agentaSecrets: environment.AGENTA_WEBHOOK_SECRET,
    others: config.sources ?? [],
  })
  const rules = parseRules(config.rules ?? defaultRules, [...agents.keys()])
  return { sources, agents, rules, forge: forgeFrom(environment, log) }
}
