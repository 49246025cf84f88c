// The agents of one configuration, served in a child process of the service. It loads nothing that
// agents do not need: no database, no server, no client of a forge.
import { serveAgents } from '../agents/process/child.ts'
import { eventPayload } from '../events/payload.ts'
import type { AgentSettings } from './agents.ts'
import { agentsByName } from './agents.ts'
import { loadConfig } from './config-file.ts'

/** What the child serves: the built-in agents, and those of a file. */
export type ChildSettings = AgentSettings & { configPath: string | null }

/** Serves the agents of these settings, which are JSON. Resolves once they are loaded, or not. */
export async function serveConfigured(settings: string): Promise<void> {
  const { configPath, ...others }: ChildSettings = JSON.parse(settings)
  const loading = configPath === null ? null : loadConfig('/', configPath)
  const agents = (async () => agentsByName(others, (await loading)?.config.agents ?? []))()
  serveAgents({ agents, payloadOf: eventPayload })
  await agents.catch(() => {})
}
