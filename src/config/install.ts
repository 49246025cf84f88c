// The parts that are made from the environment and the configuration alone.

import type { Database } from '../db/database.ts'
import { targetReader } from '../deliveries/kinds/kinds.ts'
import { deploymentDesk } from '../deployments/desk.ts'
import { readEndpointConfigs } from '../endpoints/endpoint.ts'
import { openSeal } from '../endpoints/seal.ts'
import { subjectRecord } from '../events/subject.ts'
import { accessFor } from '../http/auth.ts'
import { permissionsOf } from '../jobs/permission.ts'
import { addressGuard, LOOPBACK_HOSTS } from '../lib/address-guard.ts'
import type { Clock } from '../lib/clock.ts'
import type { Environment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import type { Meter } from '../metrics/meter.ts'
import type { AgentProcesses } from './agent-processes.ts'
import { openAgentProcesses } from './agent-processes.ts'
import type { Config } from './config-file.ts'
import type { Installation } from './configure.ts'
import { configure } from './configure.ts'
import { eventWarnings } from './event-warnings.ts'
import { inUse, isolateAll, unisolatedWarning } from './isolation.ts'
import { mirrorsOf } from './mirrors.ts'

export type InstallOptions = {
  environment: Environment
  config: Config
  mode: 'dev' | 'serve'
  log: Log
  clock: Clock
  meter: Pick<Meter, 'githubLimit'>
  /** For what agents look up. */
  looking: Database
}

/** Makes them. Nothing is asked or started yet. */
export function install({ environment, config, mode, log, clock, meter, looking }: InstallOptions) {
  const record = subjectRecord(looking, clock)
  const desk = deploymentDesk()
  const installation: Installation = configure(environment, config, log, { record, desk, onLimit: meter.githubLimit })
  const { rules, sources } = installation
  // A developer's receivers are on the same machine.
  const guard = addressGuard([...environment.SIGNALBOX_ALLOW_HOSTS, ...(mode === 'dev' ? LOOPBACK_HOSTS : [])])
  const readTarget = targetReader(guard, { hasMailer: environment.SMTP_URL !== undefined })
  const hasSigningKey = environment.SIGNALBOX_SIGNING_KEY.length > 0
  const endpoints = readEndpointConfigs(config.endpoints ?? [], { readTarget, hasSigningKey })
  for (const each of eventWarnings(rules, sources.keys(), endpoints)) log.warn(each)
  const permitted = permissionsOf(installation)
  const seal = openSeal(environment.SIGNALBOX_ENCRYPTION_KEY)
  const access = accessFor(environment.SIGNALBOX_API_TOKEN)
  const mirrors = mirrorsOf(environment, installation, log)
  return { installation, desk, access, guard, readTarget, seal, permitted, mirrors }
}

export type PlacingOptions = Pick<InstallOptions, 'environment' | 'config' | 'log'> & {
  configPath?: string | null
  roles: { orchestrator: boolean }
}

/** Opens the processes that agents run in, and decides what their programs are kept from. */
export async function placeAgents(
  { environment, config, configPath = null, roles, log }: PlacingOptions,
  { agents, rules, models: { keyNames } }: Installation,
): Promise<AgentProcesses> {
  if (roles.orchestrator) {
    const isolations = await isolateAll({ environment, configPath, agents: [...agents.values()] })
    const warning = unisolatedWarning(inUse(isolations, { rules, agents: config.agents }))
    if (warning !== null) log.warn(warning)
  }
  return openAgentProcesses({ environment, config, configPath, agents, keyNames, log })
}
