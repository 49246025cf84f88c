// The agents of an installation: the built-in ones, and those of its configuration.
import { acknowledge } from '../agents/acknowledge/acknowledge.ts'
import type { Agent } from '../agents/agent.ts'
import { deploymentPr } from '../agents/deployment-pr/deployment-pr.ts'
import { ping } from '../agents/ping/ping.ts'
import { why } from '../agents/why/why.ts'
import type { SubjectRecord } from '../events/subject.ts'
import { AppError } from '../lib/error.ts'
import { PARSING, problemLines } from '../lib/zod.ts'
import { modelRef } from '../models/model-ref.ts'
import { isJobType, JOB_TYPE_RULE } from '../sources/manual.ts'

/** Where the built-in agents open pull requests unless a rule says otherwise. */
export type AgentSettings = { repository?: string | undefined; base?: string | undefined }

/** What the built-in agents that answer commands read; null outside of the service. */
export type Records = { record?: SubjectRecord | null }

/**
 * The agents by name. One of the configuration takes the place of a built-in one of its name, as
 * `deploymentPr({ customise })` does.
 * @throws AppError `config_invalid` naming the entry and the field at fault.
 */
export function agentsByName(
  { repository, base, record = null }: AgentSettings & Records,
  configured: readonly Agent[],
): ReadonlyMap<string, Agent> {
  const builtIn = [
    ping,
    deploymentPr({ ...(repository && { repository }), ...(base && { base }) }),
    acknowledge(record),
    why(record),
  ]
  for (const [index, agent] of configured.entries()) {
    if (typeof agent?.run !== 'function') {
      const remedy = 'create agents with defineAgent() or command().'
      throw new AppError('config_invalid', `agents[${index}] is not an agent: ${remedy}`)
    }
    if (!isJobType(agent.name)) throw new AppError('config_invalid', `agents[${index}].name: ${JOB_TYPE_RULE}`)
    if (typeof agent.input?.safeParse !== 'function') {
      throw new AppError('config_invalid', `agents[${index}].input: must be a zod schema; z comes from 'signalbox'.`)
    }
    const { error } = modelRef.optional().safeParse(agent.model, PARSING)
    if (error !== undefined) throw new AppError('config_invalid', `agents[${index}].model: ${problemLines(error)[0]}`)
    if (configured.findIndex(({ name }) => name === agent.name) !== index) {
      const problem = `another agent is called "${agent.name}"; choose another name.`
      throw new AppError('config_invalid', `agents[${index}].name: ${problem}`)
    }
  }
  return new Map([...builtIn, ...configured].map((agent) => [agent.name, agent]))
}
