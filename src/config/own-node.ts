// The node of this process: what it runs by, from its configuration and environment.
import type { Environment } from '../lib/environment.ts'
import { VERSION } from '../lib/version.ts'
import type { Node, NodeOptions, Role } from '../nodes/node.ts'
import { openNode } from '../nodes/node.ts'
import type { Config } from './config-file.ts'
import { configVersion } from './config-version.ts'
import type { Installation } from './configure.ts'

type Options = Pick<NodeOptions, 'database' | 'clock' | 'log' | 'leaseMs' | 'schemaVersion' | 'running'> & {
  environment: Environment
  config: Config
  configPath?: string | null
  installation: Installation
  roles: Record<Role, boolean>
}

/** Opens it; `start` it when its workers may start. */
export function openOwnNode({ configPath = null, roles, ...options }: Options): Node {
  const { environment, installation } = options
  const { database, clock, log, leaseMs, schemaVersion, running } = options
  const names: Role[] = ['receiver', 'orchestrator']
  return openNode({
    database,
    clock,
    log,
    leaseMs,
    schemaVersion,
    running,
    roles: names.filter((name) => roles[name]),
    slots: roles.orchestrator ? environment.MAX_CONCURRENT_JOBS : 0,
    agents: roles.orchestrator ? [...installation.agents.keys()] : [],
    version: VERSION,
    configSha256: configVersion({ ...options, configPath }),
  })
}
