// What an installation consists of: the built-in parts, and those of its configuration and
// environment.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Agent } from '../agents/agent.ts'
import { deploymentPrInput, repositoriesOf } from '../agents/deployment-pr/options.ts'
import type { Muting } from '../findings/precision.ts'
import { readMuting } from '../findings/precision.ts'
import { forgesOf } from '../forges/configured.ts'
import type { Forges } from '../forges/forges.ts'
import type { OnLimit } from '../forges/github/connection.ts'
import { inputError } from '../lib/agent-input.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { entryLabel, problemLines } from '../lib/zod.ts'
import type { Models } from '../models/models.ts'
import { checkPolicies } from '../publisher/policy.ts'
import { parseRules } from '../rules/define.ts'
import type { InstalledRule, Rule } from '../rules/rule.ts'
import type { Source } from '../sources/source.ts'
import { sourcesFrom } from '../sources/sources.ts'
import { agentaApiOf, withAgentaRule } from './agenta.ts'
import type { Records } from './agents.ts'
import { agentsByName } from './agents.ts'
import { withCommandRules } from './command-rules.ts'
import type { Config } from './config-file.ts'
import { defaultRules, offReason } from './default-rules.ts'
import { modelsOf } from './models.ts'

/** What the built-in parts, the configuration file and the environment add up to. */
export type Installation = {
  sources: ReadonlyMap<string, Source>
  agents: ReadonlyMap<string, Agent>
  rules: readonly InstalledRule[]
  forges: Forges
  models: Models
  /** When categories of findings mute themselves. */
  muting: Muting
  /** Where deployments get their pull requests, as far as environment and rules say. */
  repositories: readonly string[]
  /** Where what is asked for by hand may write, as far as the environment says. */
  home: readonly string[]
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

/**
 * What is wrong with the fields given, and with what is in them. Other fields may come from a
 * manual trigger, or from a command.
 */
function withError(agent: Agent | undefined, given: Record<string, unknown>): z.ZodError | null {
  const all = agent === undefined ? [] : (inputError(agent, given)?.issues ?? [])
  const issues = all.filter(({ path: [field] }) => field === undefined || Object.hasOwn(given, field))
  return issues.length === 0
    ? null
    : new z.ZodError(issues.map((issue) => ({ ...issue, path: ['with', ...issue.path] })))
}

/** What the service gives to its parts. */
type Parts = Records & { onLimit?: OnLimit }

/**
 * Puts the built-in parts and the configured ones together, and checks them.
 * @throws AppError `config_invalid` naming the entry and the field at fault.
 */
export function configure(environment: Environment, config: Config, log: Log, parts: Parts = {}): Installation {
  const { onLimit, ...records } = parts
  const { GITHUB_REPO: repository, GITHUB_BASE_BRANCH: base, SIGNALBOX_DEPLOY_COMMAND: deployCommand } = environment
  const agenta = agentaApiOf(environment)
  const agents = agentsByName({ repository, base, deployCommand, agenta, ...records }, config.agents ?? [])
  const sources = sourcesFrom({
    githubSecrets: environment.GITHUB_WEBHOOK_SECRET,
    agentaSecrets: environment.AGENTA_WEBHOOK_SECRET,
    isAgentaResolved: agenta !== null,
    others: config.sources ?? [],
  })
  const given = withAgentaRule(parseRules(config.rules ?? defaultRules, [...agents.keys()]), environment)
  requireInputs(given, agents)
  checkPolicies(given)
  const models = modelsOf(environment, config.prices, { rules: given, agents: [...agents.values()] })
  const forges = forgesOf(environment, log, onLimit)
  const home = repository ? [repository] : []
  const setUp = { environment, agents, forges, models }
  const switched = given.map((rule) => ({ rule, off: offReason(rule, setUp) }))
  const rules = withCommandRules(switched).map(({ rule, off }) => ({
    ...installed(rule, agents.get(rule.agent), home),
    ...(off !== null && { off }),
  }))
  const repositories = [...new Set([...home, ...rules.flatMap((rule) => rule.home ?? [])])]
  const muting = readMuting(config.mute)
  return { sources, agents, rules, forges, models, muting, repositories, home }
}

/** The rule with where its deployments go, and the hash that its writes are recorded with. */
function installed(rule: Rule, agent: Agent | undefined, at: readonly string[]): InstalledRule {
  const named = repositoriesOf(deploymentPrInput.safeParse(rule.with).data ?? {})
  const home = [...new Set([...at, ...(agent?.repositories ?? []), ...named])]
  return { ...rule, home, config: configHash(rule, agent) }
}

/** A function counts as its text, so that another version of an agent has another hash. */
function configHash(rule: Rule, agent: Agent | undefined): string {
  const { name, description, run, env, settings, runsIn } = agent ?? {}
  const parts = [rule, { name, description, run, env, settings, runsIn }]
  const text = JSON.stringify(parts, (_, value) => (typeof value === 'function' ? String(value) : value))
  return createHash('sha256').update(text).digest('hex')
}
