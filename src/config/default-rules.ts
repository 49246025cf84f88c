// The rules without a configuration file, each with what it needs to do its work.
import { isDeepStrictEqual } from 'node:util'
import type { Agent } from '../agents/agent.ts'
import { noForgeRemedy } from '../forges/configured.ts'
import type { Forges } from '../forges/forges.ts'
import type { Environment } from '../lib/environment.ts'
import type { Models } from '../models/models.ts'
import type { Rule } from '../rules/rule.ts'
import { AGENTA_RULE, agentaNeeds } from './agenta.ts'
import { DEPLOY_RULES } from './deploy-rules.ts'
import { REVIEW_RULES } from './review-rules.ts'
import { TASK_RULES } from './task-rules.ts'

/** What is set up, as far as a default rule may need it. */
export type SetUp = {
  environment: Environment
  agents: ReadonlyMap<string, Agent>
  forges: Pick<Forges, 'names'>
  models: Pick<Models, 'problem'>
}

/** A rule that applies without a configuration file, and what switches it on. */
export type DefaultRule = {
  rule: Rule
  /** What to set before it can work, as the rest of a sentence; null when nothing is missing. */
  needs(setUp: SetUp): string | null
}

/** The default workflows. A new one is one entry here. */
const DEFAULT_WORKFLOWS: readonly DefaultRule[] = [
  ...REVIEW_RULES.map((rule) => ({ rule, needs: forgeNeeds })),
  ...DEPLOY_RULES.map((rule) => ({ rule, needs: (setUp: SetUp) => all(forgeNeeds(setUp), programNeeds(setUp)) })),
  ...TASK_RULES.map((rule) => ({ rule, needs: taskNeeds })),
  {
    rule: {
      name: 'deployment-pr',
      on: 'environment.deployed',
      when: { environment: 'production' },
      agent: 'deployment-pr',
      concurrency: { key: 'deploy:{project}:{app}:{environment}' },
    },
    needs: (setUp) => all(forgeNeeds(setUp), repositoryNeeds(setUp, 'deployment-pr')),
  },
  {
    rule: {
      name: 'deployment-drift',
      on: ['push', 'pull_request.closed'],
      when: { onDefaultBranch: 'true' },
      agent: 'deployment-drift',
      // It compares, and says the same whoever pushed; a pull request may have merged by itself.
      who: 'anyone',
      self: true,
      ceiling: { perHour: 0 },
      concurrency: { key: 'drift:{repository}' },
    },
    needs: forgeNeeds,
  },
  { rule: AGENTA_RULE, needs: ({ environment }) => agentaNeeds(environment) },
]

/** The same rules alone, for a configuration file to spread among its own. */
export const defaultRules: readonly Rule[] = DEFAULT_WORKFLOWS.map(({ rule }) => rule)

/**
 * Why a rule makes no jobs: it is a default one, not changed, and something that it needs is not
 * set, or its agent cannot run here. Null for every rule of one's own.
 */
export function offReason(
  rule: Rule,
  setUp: SetUp,
  workflows: readonly DefaultRule[] = DEFAULT_WORKFLOWS,
): string | null {
  const workflow = workflows.find((each) => isDeepStrictEqual(each.rule, rule))
  if (workflow === undefined) return null
  return workflow.needs(setUp) ?? setUp.agents.get(rule.agent)?.problem?.() ?? null
}

/** What to set where no forge can be written to. */
function forgeNeeds({ environment, forges }: SetUp): string | null {
  return forges.names.length > 0 ? null : noForgeRemedy(environment)
}

/** What to set where neither the environment nor an agent's options name a repository. */
function repositoryNeeds({ environment, agents }: SetUp, agent: string): string | null {
  const isNamed = environment.GITHUB_REPO !== undefined || (agents.get(agent)?.repositories ?? []).length > 0
  return isNamed ? null : 'set GITHUB_REPO'
}

/** What to set where there is no program that deploys. */
function programNeeds({ environment, agents }: SetUp): string | null {
  const isConfigured = agents.get('deploy')?.isolate !== undefined
  return environment.SIGNALBOX_DEPLOY_COMMAND !== undefined || isConfigured
    ? null
    : 'set SIGNALBOX_DEPLOY_COMMAND to a program that deploys'
}

/** What tasks need: a forge, and a model or a program in its place. */
function taskNeeds(setUp: SetUp): string | null {
  const agent = setUp.agents.get('issue-to-pr')
  const hasEngine = Object.hasOwn(agent?.settings ?? {}, 'engine')
  const problem = hasEngine ? null : setUp.models.problem(agent?.model)
  return all(forgeNeeds(setUp), problem && remedyIn(problem))
}

/** Of a sentence what is to be set; all of it where it does not say. */
function remedyIn(problem: string): string {
  const at = problem.search(/\bset [A-Z]/)
  return at === -1 ? problem : problem.slice(at).replace(/\.$/, '')
}

function all(...needs: (string | null)[]): string | null {
  return needs.filter((need) => need !== null).join('; and ') || null
}
