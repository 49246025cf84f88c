// What an installation consists of: the built-in parts, and those of its configuration and
// environment.
import { z } from 'zod'
import type { Agent } from '../agents/agent.ts'
import { deploymentPrInput } from '../agents/deployment-pr/options.ts'
import { forgesOf } from '../forges/configured.ts'
import type { Forges } from '../forges/forges.ts'
import { inputError } from '../lib/agent-input.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { entryLabel, problemLines } from '../lib/zod.ts'
import type { Models } from '../models/models.ts'
import { checkPolicies } from '../publisher/policy.ts'
import { defaultRules, parseRules } from '../rules/define.ts'
import type { Rule } from '../rules/rule.ts'
import type { Source } from '../sources/source.ts'
import { sourcesFrom } from '../sources/sources.ts'
import type { Records } from './agents.ts'
import { agentsByName } from './agents.ts'
import { withCommandRules } from './command-rules.ts'
import type { Config } from './config-file.ts'
import { modelsOf } from './models.ts'

/** What the built-in parts, the configuration file and the environment add up to. */
export type Installation = {
  sources: ReadonlyMap<string, Source>
  agents: ReadonlyMap<string, Agent>
  rules: readonly Rule[]
  forges: Forges
  models: Models
  /** Where deployments get their pull requests, as far as environment and rules say. */
  repositories: readonly string[]
}

/**
 * Checks the input that rules pass to their agents, so that a mistake is found before the first
 * job.
 */
function requireInputs(rules: readonly Rule[], agents: ReadonlyMap<string, Agent>): void {
  const problems = rules.flatMap((rule, index) => {
    const error = rule.with && withError(agents.get(rule.agent), rule.with)
    return error ? problemLines(error).map((line) => `${entryLabel('rules', index, rule)}: ${line}`) : []
  })
  if (problems.length > 0) throw new AppError('config_invalid', problems.join('\n'))
}

/** What is wrong with the fields given. Others may come from a manual trigger. */
function withError(agent: Agent | undefined, given: Record<string, unknown>): z.ZodError | null {
  const all = agent === undefined ? [] : (inputError(agent, given)?.issues ?? [])
  const issues = all.filter(({ path }) => isGiven(given, path))
  return issues.length === 0
    ? null
    : new z.ZodError(issues.map((issue) => ({ ...issue, path: ['with', ...issue.path] })))
}

function isGiven(value: unknown, path: readonly PropertyKey[]): boolean {
  const [key, ...rest] = path
  if (key === undefined) return value !== undefined
  return typeof value === 'object' && value !== null && isGiven((value as Record<PropertyKey, unknown>)[key], rest)
}

/**
 * Puts the built-in parts and the configured ones together, and checks them.
 * @throws AppError `config_invalid` naming the entry and the field at fault.
 */
export function configure(environment: Environment, config: Config, log: Log, records: Records = {}): Installation {
  const { GITHUB_REPO: repository, GITHUB_BASE_BRANCH: base } = environment
  const agents = agentsByName({ repository, base, ...records }, config.agents ?? [])
  const sources = sourcesFrom({
    githubSecrets: environment.GITHUB_WEBHOOK_SECRET,
    agentaSecrets: environment.AGENTA_WEBHOOK_SECRET,
    others: config.sources ?? [],
  })
  const rules = withCommandRules(parseRules(config.rules ?? defaultRules, [...agents.keys()]))
  requireInputs(rules, agents)
  checkPolicies(rules)
  const repositories = [...(repository ? [repository] : []), ...rules.flatMap(repositoriesOf)]
  const models = modelsOf(environment, config.prices, { rules, agents: [...agents.values()] })
  return { sources, agents, rules, forges: forgesOf(environment, log), models, repositories }
}

function repositoriesOf(rule: Rule): string[] {
  const { repository, repositories = {} } = deploymentPrInput.safeParse(rule.with).data ?? {}
  return [...(repository ? [repository] : []), ...Object.values(repositories)]
}
