// The only place that builds things: environment and configuration in, parts made and connected, a
// running service out.
import { dirname } from 'node:path'
import type { AgentProcesses } from './config/agent-processes.ts'
import { openAgentProcesses } from './config/agent-processes.ts'
import type { Config } from './config/config-file.ts'
import type { Installation } from './config/configure.ts'
import { configure } from './config/configure.ts'
import { eventWarnings } from './config/event-warnings.ts'
import type { GitSync } from './config/git-sync.ts'
import { openGitSync } from './config/git-sync.ts'
import { isolateAll, unisolatedWarning } from './config/isolation.ts'
import { mirrorsOf } from './config/mirrors.ts'
import type { Database } from './db/database.ts'
import type { ListenerStatus } from './db/listen.ts'
import { openNotifier } from './db/listen.ts'
import type { Work } from './db/listening.ts'
import { CHANNEL, openListening, WORK } from './db/listening.ts'
import { migrate } from './db/migrate.ts'
import type { Pools } from './db/pools.ts'
import { openPools } from './db/pools.ts'
import type { Store } from './db/store.ts'
import { DELIVERIES } from './deliveries/delivery.ts'
import { targetReader } from './deliveries/kinds/kinds.ts'
import { trackPullRequests } from './deployments/pull-requests.ts'
import { syncConfigEndpoints } from './endpoints/configured.ts'
import { readEndpointConfigs } from './endpoints/endpoint.ts'
import { resealSecrets } from './endpoints/reseal.ts'
import type { Seal } from './endpoints/seal.ts'
import { openSeal } from './endpoints/seal.ts'
import type { ReadTarget } from './endpoints/target.ts'
import { keepPositions } from './events/feed.ts'
import { subjectRecord } from './events/subject.ts'
import type { Access } from './http/auth.ts'
import { accessFor } from './http/auth.ts'
import type { Receiver } from './http/receiver.ts'
import { openReceiver } from './http/receiver.ts'
import { deadOrchestrators } from './jobs/heartbeat.ts'
import { JOBS } from './jobs/job.ts'
import { ownWrites } from './jobs/own-writes.ts'
import { permissionsOf } from './jobs/permission.ts'
import { addressGuard, LOOPBACK_HOSTS } from './lib/address-guard.ts'
import type { Clock } from './lib/clock.ts'
import { systemClock } from './lib/clock.ts'
import type { Environment } from './lib/environment.ts'
import type { Log } from './lib/log.ts'
import { activityOn } from './lib/log.ts'
import { openPipeline } from './pipeline.ts'
import { LEASE_MS, leaseTiming } from './queue/lease-timing.ts'
import { queueOn } from './queue/queue.ts'
import type { Worker } from './workers.ts'
import { openWorkers } from './workers.ts'
import type { Mirrors } from './workspaces/mirrors.ts'
import { mirrorsFolder } from './workspaces/mirrors.ts'

/** What a service is made from. */
export type SignalboxOptions = {
  environment: Environment
  config: Config
  /**
   * The file that `config` was loaded from, whose agents run in child processes; null when there is
   * none. `serve` keeps its folder current by `git pull` if that is wanted.
   */
  configPath?: string | null
  /** An open store; the service does not close it. */
  store: Store
  /** `dev` binds loopback only, and takes a bare manual trigger without the token. */
  mode: 'dev' | 'serve'
  /** A process may receive, orchestrate, or do both. */
  roles?: { receiver: boolean; orchestrator: boolean }
  log: Log
  clock?: Clock
  /** How long a sender may take over its whole request. Default 15 seconds. */
  requestTimeoutMs?: number
  /** How long a webhook waits for a database that is away. Default 9 s. */
  patienceMs?: number
  /** How long a job or delivery stays its worker's without a sign of life. Default `LEASE_MS`. */
  leaseMs?: number
}

/**
 * A running service. `close` answers what was accepted, lets running work end, and releases the
 * rest.
 */
export type Signalbox = {
  /** Null when this process does not receive. */
  url: string | null
  configured: Installation
  access: Access['kind']
  listening(): ListenerStatus
  close(): Promise<void>
}

/** Opens a service over a store: migrates the database, connects the parts, and starts them. */
export async function openSignalbox(options: SignalboxOptions): Promise<Signalbox> {
  const { environment, store, log } = options
  const { MAX_CONCURRENT_JOBS: slots } = environment
  const { answerMs } = leaseTiming(options.leaseMs ?? LEASE_MS)
  const pools = await openPools({ url: store.url, log, slots, renewalMs: answerMs })
  try {
    return await openParts(options, pools)
  } catch (error) {
    await pools.close()
    throw error
  }
}

async function openParts(options: SignalboxOptions, pools: Pools): Promise<Signalbox> {
  const { environment, store, mode, log, clock = systemClock, requestTimeoutMs } = options
  const { database, url } = store
  const roles = options.roles ?? { receiver: true, orchestrator: true }
  const { installation, mirrors, ...checks } = install(options, pools, clock)
  const processes = await placeAgents(options, roles, installation)
  const access = accessFor(environment.SIGNALBOX_API_TOKEN)
  const notifier = openNotifier<Work>(database, CHANNEL)
  if (await prepareTables(options, { roles, clock, ...checks })) notifier.notify()

  const workers: Worker[] = []
  let gitSync: GitSync | null = null
  let server: Receiver | null = null
  const nudge = (work: readonly Work[]) => {
    for (const worker of workers) if (work.includes(worker.work)) worker.nudge()
    server?.nudge()
  }
  // Renewing is how a worker learns which of its rows were ended.
  const renew = () => {
    for (const worker of workers) void worker.renew?.()
  }
  const onWork = (...work: Work[]) => {
    nudge(work.length === 0 ? WORK : work)
    notifier.notify(...work)
  }
  const shared = { environment, clock, log, ...checks, activity: activityOn(log, mode === 'dev') }
  const recording = { database: roles.receiver ? pools.receiving : pools.working, patienceMs: options.patienceMs }
  const pipeline = await openPipeline({
    ...shared,
    ...recording,
    markOwn: ownWrites({ ...shared, ...recording, ...installation }),
    looking: pools.looking,
    ...installation,
    reactions: [trackPullRequests(installation.repositories)],
    onWork,
    onReceived: (event) => gitSync?.received(event),
  })
  const working = {
    ...shared,
    ...pools,
    database: pools.working,
    installation,
    processes,
    mirrors,
    pipeline,
    leaseMs: options.leaseMs,
    notify: notifier.notify,
  }
  if (roles.orchestrator) workers.push(...openWorkers(working))
  // First, because the port may be taken: until here nothing runs that would have to be stopped.
  const serving = { ...shared, ...pools, database, mode, access, configured: installation, pipeline, onWork }
  if (roles.receiver) server = await openReceiver({ ...serving, requestTimeoutMs })
  const listening = await openListening({ database, pools, url, onWork: nudge, onEnded: renew, log })
  for (const worker of workers) worker.start()
  if (roles.orchestrator) gitSync = syncGit(options, mirrors)

  const close = async () => {
    await listening.stopPolling()
    // Both at once: while the last senders are answered, nothing new is begun.
    await Promise.all([server?.close(), ...workers.map((worker) => worker.drain())])
    await processes.close()
    await pipeline.idle()
    await gitSync?.close()
    await Promise.all([listening.close(), notifier.close()])
    await pools.close()
  }
  return {
    url: server?.url ?? null,
    configured: installation,
    access: access.kind,
    listening: listening.status,
    close,
  }
}

function install({ environment, config, mode, log }: SignalboxOptions, { looking }: Pools, clock: Clock) {
  const record = subjectRecord(looking, clock)
  const installation: Installation = configure(environment, config, log, { record })
  const { rules, sources } = installation
  // A developer's receivers are on the same machine.
  const guard = addressGuard([...environment.SIGNALBOX_ALLOW_HOSTS, ...(mode === 'dev' ? LOOPBACK_HOSTS : [])])
  const readTarget = targetReader(guard, { hasMailer: environment.SMTP_URL !== undefined })
  const hasSigningKey = environment.SIGNALBOX_SIGNING_KEY.length > 0
  const endpoints = readEndpointConfigs(config.endpoints ?? [], { readTarget, hasSigningKey })
  for (const each of eventWarnings(rules, sources.keys(), endpoints)) log.warn(each)
  const permitted = permissionsOf(installation)
  const seal = openSeal(environment.SIGNALBOX_ENCRYPTION_KEY)
  return { installation, guard, readTarget, seal, permitted, mirrors: mirrorsOf(environment, installation, log) }
}

/** Opens the processes that agents run in, and decides what their programs are kept from. */
async function placeAgents(
  { environment, config, configPath = null, log }: SignalboxOptions,
  roles: { orchestrator: boolean },
  { agents, models: { keyNames } }: Installation,
): Promise<AgentProcesses> {
  if (roles.orchestrator) {
    const warning = unisolatedWarning(await isolateAll({ environment, configPath, agents: [...agents.values()] }))
    if (warning !== null) log.warn(warning)
  }
  return openAgentProcesses({ environment, config, configPath, agents, keyNames, log })
}

function syncGit({ environment, configPath, mode, log }: SignalboxOptions, mirrors: Mirrors): GitSync | null {
  if (!environment.GIT_SYNC_ENABLED) return null
  return openGitSync({
    // A developer's own checkout is left alone.
    folder: mode === 'serve' && configPath ? dirname(configPath) : null,
    mirrors,
    notes: mirrorsFolder(environment),
    intervalMs: environment.TICK_INTERVAL_SECONDS * 1000,
    log,
  })
}

/** Makes the tables fit this version and this start; says whether there may be work for others. */
async function prepareTables(
  options: SignalboxOptions,
  { clock, ...parts }: { roles: { receiver: boolean }; seal: Seal; readTarget: ReadTarget; clock: Clock },
): Promise<boolean> {
  const { store, log } = options
  await migrate(store.database, { log })
  await keepPositions(store.database)
  const isChanged = await prepareEndpoints(options, parts)
  if (store.kind === 'embedded') await expireLeases(store.database, clock)
  return isChanged
}

/** Stores the configured endpoints and reads the secrets of all; says whether any changed. */
async function prepareEndpoints(
  { config, configPath, store, log }: SignalboxOptions,
  { roles, seal, readTarget }: { roles: { receiver: boolean }; seal: Seal; readTarget: ReadTarget },
): Promise<boolean> {
  // A process without a configuration knows nothing of the endpoints of those that have one.
  const isKnown = config.endpoints !== undefined || (configPath ?? null) !== null
  const endpoints = { database: store.database, seal, readTarget }
  const changed = roles.receiver && isKnown ? await syncConfigEndpoints(endpoints, config.endpoints ?? []) : 0
  await resealSecrets(store.database, seal, log)
  return changed > 0
}

// Whoever owned the embedded server's data directory before is dead, but processes that use it by
// its address may be alive.
async function expireLeases(database: Database, clock: Clock): Promise<void> {
  const owners = await deadOrchestrators(database)
  await queueOn({ table: JOBS, clock }).expireLeases(database, owners)
  await queueOn({ table: DELIVERIES, clock }).expireLeases(database, owners)
}
