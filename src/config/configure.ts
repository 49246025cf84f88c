// What an installation consists of: the built-in parts, and those of its configuration and
// environment.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Agent } from '../agents/agent.ts'
import { deploymentPrInput, repositoriesOf } from '../agents/deployment-pr/options.ts'
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
import type { InstalledRule, Rule } from '../rules/rule.ts'
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
  rules: readonly InstalledRule[]
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
  const given = withCommandRules(parseRules(config.rules ?? defaultRules, [...agents.keys()]))
  requireInputs(given, agents)
  checkPolicies(given)
  const rules = given.map((rule) => installed(rule, agents.get(rule.agent), repository))
  const repositories = [...new Set([...(repository ? [repository] : []), ...rules.flatMap(({ home }) => home ?? [])])]
  const models = modelsOf(environment, config.prices, { rules, agents: [...agents.values()] })
  return { sources, agents, rules, forges: forgesOf(environment, log), models, repositories }
}

/** The rule with where its deployments go, and the hash that its writes are recorded with. */
function installed(rule: Rule, agent: Agent | undefined, repository: string | undefined): InstalledRule {
  const named = repositoriesOf(deploymentPrInput.safeParse(rule.with).data ?? {})
  const home = [...new Set([...(repository ? [repository] : []), ...(agent?.repositories ?? []), ...named])]
  return { ...rule, home, config: configHash(rule, agent) }
}

/** A function counts as its text, so that another version of an agent has another hash. */
function configHash(rule: Rule, agent: Agent | undefined): string {
  const { name, description, run, env, settings, runsIn } = agent ?? {}
  const parts = [rule, { name, description, run, env, settings, runsIn }]
  const text = JSON.stringify(parts, (_, value) => (typeof value === 'function' ? String(value) : value))
  return createHash('sha256').update(text).digest('hex')
}
