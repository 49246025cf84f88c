// What keeps the programs of this installation's agents from what the service knows.
import type { Agent } from '../agents/agent.ts'
import type { Isolation } from '../agents/isolation/isolation.ts'
import { secretPaths, UNISOLATED } from '../agents/isolation/isolation.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import type { InstalledRule } from '../rules/rule.ts'

type Options = {
  environment: Pick<Environment, 'SIGNALBOX_DATA_DIR' | 'SIGNALBOX_ISOLATION' | 'SIGNALBOX_PROGRAM_USER'>
  configPath: string | null
  /** That of the service, whose `.env` it reads. Default: the current one. */
  folder?: string
  agents: readonly Agent[]
}

/**
 * Decides the isolation of every agent that starts programs, by the agent's name.
 * @throws AppError `config_invalid` naming the agents that cannot have what they ask for.
 */
export async function isolateAll(options: Options): Promise<ReadonlyMap<string, Isolation>> {
  const { environment, configPath, folder, agents } = options
  const service = {
    isolation: environment.SIGNALBOX_ISOLATION,
    user: environment.SIGNALBOX_PROGRAM_USER,
    hidden: secretPaths(environment.SIGNALBOX_DATA_DIR, configPath, folder),
  }
  const isolations = new Map<string, Isolation>()
  const problems: string[] = []
  for (const { name, isolate } of agents) {
    try {
      const isolation = await isolate?.(service)
      if (isolation !== undefined) isolations.set(name, isolation)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      problems.push(`agent "${name}": ${error.detail}`)
    }
  }
  if (problems.length > 0) throw new AppError('config_invalid', problems.join('\n'))
  return isolations
}

/** Those of agents that the configuration names, or that a rule gives jobs to which is on. */
export function inUse(
  isolations: ReadonlyMap<string, Isolation>,
  { rules, agents = [] }: { rules: readonly InstalledRule[]; agents: readonly Agent[] | undefined },
): ReadonlyMap<string, Isolation> {
  const used = new Set([
    ...agents.map(({ name }) => name),
    ...rules.flatMap(({ agent, off }) => (off === undefined ? agent : [])),
  ])
  return new Map([...isolations].filter(([name]) => used.has(name)))
}

/** One sentence about the programs without isolation; null when there are none. */
export function unisolatedWarning(isolations: ReadonlyMap<string, Isolation>): string | null {
  const open = [...isolations].flatMap(([name, isolation]) =>
    isolation.kind === 'none' ? [{ name, reason: isolation.reason }] : [],
  )
  if (open.length === 0) return null
  const names = open.map(({ name }) => name).join(', ')
  const reasons = [...new Set(open.map(({ reason }) => reason))].join('; ')
  return `Programs of these agents run without isolation, ${reasons}: ${names}. They can read ${UNISOLATED}.`
}
