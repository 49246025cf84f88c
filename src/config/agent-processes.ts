// Where agents run: those written in TypeScript in child processes, so that what one of them does
// wrong costs its own attempt and nothing else.
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Agent } from '../agents/agent.ts'
import type { Pool } from '../agents/process/pool.ts'
import { openPool } from '../agents/process/pool.ts'
import type { Environment } from '../lib/environment.ts'
import { withoutCredentials } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import type { Config } from './config-file.ts'
import type { ChildSettings } from './serve-configured.ts'

/** The agents as the orchestrator runs them. `close` ends their child processes. */
export type AgentProcesses = { agents: ReadonlyMap<string, Agent>; close(): Promise<void> }

type Options = {
  environment: Environment
  config: Config
  /** The file that `config` was loaded from; null if it was not, and its agents run here. */
  configPath: string | null
  agents: ReadonlyMap<string, Agent>
  /** Variables with keys of models, which no agent gets. */
  keyNames: readonly string[]
  log: Log
}

/** Opens the processes of these agents; none is started before its first attempt. */
export function openAgentProcesses({
  environment,
  config,
  configPath,
  agents,
  keyNames,
  log,
}: Options): AgentProcesses {
  const { GITHUB_REPO: repository, GITHUB_BASE_BRANCH: base, AGENT_MEMORY_MB: memoryMb } = environment
  const { MAX_CONCURRENT_JOBS: max } = environment
  const settings: ChildSettings = { configPath, repository, base }
  const file = import.meta.url.endsWith('.ts') ? './agent-child.ts' : './agent-child.js'
  const script = fileURLToPath(new URL(file, import.meta.url))
  const env = withoutCredentials(process.env, keyNames)
  const pool = openPool({ script: [script, JSON.stringify(settings)], env, memoryMb, max, log })
  const isOnlyHere = ({ name }: Agent) =>
    configPath === null && config.agents?.some((own) => own.name === name) === true
  const placed = [...agents.values()].map((agent) =>
    agent.runsIn === 'service' || isOnlyHere(agent) ? agent : inChildProcess(agent, pool),
  )
  return { agents: new Map(placed.map((agent) => [agent.name, agent])), close: pool.close }
}

function inChildProcess(agent: Agent, pool: Pool): Agent {
  // The child checks the input: what a schema makes of it may be more than data.
  return { ...agent, input: z.unknown(), run: (context) => pool.run(agent.name, context) }
}
