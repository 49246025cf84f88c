// The agents of an installation: the built-in ones, and those of its configuration.
import { acknowledge } from '../agents/acknowledge/acknowledge.ts'
import type { Agent } from '../agents/agent.ts'
import type { AgentaApi } from '../agents/agenta-deployment/agenta-api.ts'
import { agentaDeployment } from '../agents/agenta-deployment/agenta-deployment.ts'
import { codeReview } from '../agents/code-review/code-review.ts'
import { deploy } from '../agents/deploy/deploy.ts'
import { deploymentDrift } from '../agents/deployment-drift/deployment-drift.ts'
import { deploymentPr } from '../agents/deployment-pr/deployment-pr.ts'
import { issueToPr } from '../agents/issue-to-pr/issue-to-pr.ts'
import { ping } from '../agents/ping/ping.ts'
import { why } from '../agents/why/why.ts'
import type { DeploymentDesk } from '../deployments/desk.ts'
import type { SubjectRecord } from '../events/subject.ts'
import { AppError } from '../lib/error.ts'
import { PARSING, problemLines } from '../lib/zod.ts'
import { modelRef } from '../models/model-ref.ts'
import { isJobType, JOB_TYPE_RULE } from '../sources/manual.ts'

/**
 * Where agents open pull requests unless their options or a rule say otherwise, and the program
 * that deploys to production.
 */
export type AgentSettings = {
  repository?: string | undefined
  base?: string | undefined
  deployCommand?: string | undefined
}

/** What built-in agents that run in the service work with; null outside of it. */
export type Records = { record?: SubjectRecord | null; agenta?: AgentaApi | null; desk?: DeploymentDesk | null }

/**
 * The agents by name. One of the configuration takes the place of a built-in one of its name, as
 * `deploymentPr({ customise })` does.
 * @throws AppError `config_invalid` naming the entry and the field at fault.
 */
export function agentsByName(
  { repository, base, deployCommand, record = null, agenta = null, desk = null }: AgentSettings & Records,
  configured: readonly Agent[],
): ReadonlyMap<string, Agent> {
  const builtIn = [
    ping,
    deploymentPr(),
    deployTo(deployCommand, repository),
    issueToPr(),
    codeReview(),
    acknowledge(record),
    why(record),
    agentaDeployment({ api: agenta, desk }),
    deploymentDrift(desk),
  ]
  for (const [index, agent] of configured.entries()) {
    const problem = problemOf(agent) ?? (isNamedBefore(configured, index) ? taken(agent.name) : null)
    if (problem !== null) throw new AppError('config_invalid', `agents[${index}]${problem}`)
  }
  const settings = { ...(repository && { repository }), ...(base && { base }) }
  const agents = [...builtIn, ...configured].map((agent) => agent.inRepository?.(settings) ?? agent)
  return new Map(agents.map((agent) => [agent.name, agent]))
}

/** What is wrong with an agent of the configuration, to follow its place; null: nothing. */
function problemOf(agent: Agent): string | null {
  if (typeof agent?.run !== 'function') return ' is not an agent: create agents with defineAgent() or command().'
  if (!isJobType(agent.name)) return `.name: ${JOB_TYPE_RULE}`
  if (typeof agent.input?.safeParse !== 'function') return ".input: must be a zod schema; z comes from 'signalbox'."
  const wrong = (agent.jobTypes ?? []).findIndex((type) => !isJobType(type))
  if (wrong !== -1) return `.jobTypes[${wrong}]: ${JOB_TYPE_RULE}`
  const { error } = modelRef.optional().safeParse(agent.model, PARSING)
  return error === undefined ? null : `.model: ${problemLines(error)[0]}`
}

function isNamedBefore(agents: readonly Agent[], index: number): boolean {
  return agents.findIndex(({ name }) => name === agents[index]?.name) !== index
}

function taken(name: string): string {
  return `.name: another agent is called "${name}"; choose another name.`
}

function deployTo(command: string | undefined, repository: string | undefined): Agent {
  const only = repository === undefined ? {} : { repositories: [repository] }
  const environments = command === undefined ? {} : { production: { run: [command] as const, ...only } }
  return deploy({ environments })
}
