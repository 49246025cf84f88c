// The only place that builds things: environment and configuration in, parts made and connected, a
// running service out.
import type { AgentProcesses } from './config/agent-processes.ts'
import type { Config } from './config/config-file.ts'
import type { Installation } from './config/configure.ts'
import { reconcilerOf } from './config/gaps.ts'
import type { GitSync } from './config/git-sync.ts'
import { install, placeAgents } from './config/install.ts'
import { openOwnHealth } from './config/own-health.ts'
import { openOwnNode } from './config/own-node.ts'
import { prepareTables } from './config/prepare-tables.ts'
import { startUpkeep } from './config/upkeep.ts'
import type { ListenerStatus, Notifier } from './db/listen.ts'
import { openNotifier } from './db/listen.ts'
import type { Listening, Work } from './db/listening.ts'
import { CHANNEL, openListening, WORK } from './db/listening.ts'
import type { Pools } from './db/pools.ts'
import { openPools } from './db/pools.ts'
import type { Store } from './db/store.ts'
import { trackPullRequests } from './deployments/pull-requests.ts'
import type { Forges } from './forges/forges.ts'
import type { Reconciler } from './gaps/reconciler.ts'
import type { Access } from './http/auth.ts'
import type { Health } from './http/health.ts'
import type { Servers } from './http/servers.ts'
import { openServers } from './http/servers.ts'
import { ownWrites } from './jobs/own-writes.ts'
import type { Clock } from './lib/clock.ts'
import { systemClock } from './lib/clock.ts'
import type { Environment } from './lib/environment.ts'
import type { Repeated } from './lib/every.ts'
import type { Log } from './lib/log.ts'
import { activityOn } from './lib/log.ts'
import { openMeter } from './metrics/meter.ts'
import type { Node } from './nodes/node.ts'
import type { Pipeline, PipelineOptions } from './pipeline.ts'
import { openPipeline } from './pipeline.ts'
import { LEASE_MS, leaseTiming } from './queue/lease-timing.ts'
import type { Tracer } from './spans/tracer.ts'
import { openTracer } from './spans/tracer.ts'
import type { Worker } from './workers.ts'
import { openWorkers, together } from './workers.ts'
import type { Mirrors } from './workspaces/mirrors.ts'

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
  /** Of the listener for monitoring; null where METRICS_PORT is not set. */
  metricsUrl: string | null
  configured: Installation
  access: Access['kind']
  listening(): ListenerStatus
  /** Resolves with the reason when this node is to end: whoever runs it then closes it. */
  drained: Promise<string>
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
  const { environment, store, mode, log, clock = systemClock, patienceMs } = options
  const roles = options.roles ?? { receiver: true, orchestrator: true }
  const { meter, registry } = openMeter()
  const made = install({ ...options, ...pools, clock, meter })
  const { installation, mirrors, desk, access, ...checks } = made
  const processes = await placeAgents({ ...options, roles }, installation)
  const notifier = openNotifier<Work>(store.database, CHANNEL)
  const { isChanged, schemaVersion } = await prepareTables({ ...options, ...checks, roles, clock })
  if (isChanged) notifier.notify()

  const workers: Worker[] = []
  const all = together(workers)
  const about = { ...options, clock, roles, schemaVersion, installation }
  const node = openOwnNode({ ...about, database: pools.leases, running: all.running })
  const later: Later = { server: null, upkeep: null }
  const nudge = (work: readonly Work[]) => {
    all.nudge(work)
    later.server?.nudge()
  }
  const onWork = (...work: Work[]) => {
    nudge(work.length === 0 ? WORK : work)
    notifier.notify(...work)
  }
  const tracer = await openTracer(log)
  const shared = { environment, clock, log, meter, tracer, ...checks, activity: activityOn(log, mode === 'dev') }
  const recording = { database: roles.receiver ? pools.receiving : pools.working, patienceMs, looking: pools.looking }
  const onReceived: PipelineOptions['onReceived'] = (event) => later.upkeep?.received(event)
  const pipeline = await openOwnPipeline({ ...shared, ...recording, ...installation, onWork, onReceived })
  const working = { ...shared, ...pools, database: pools.working, installation, pipeline }
  desk.open({ ...working, ...pipeline, onWork, publicUrl: environment.SIGNALBOX_PUBLIC_URL })
  const { leaseMs } = options
  const own = { owner: node.id, processes, mirrors, leaseMs, notify: notifier.notify }
  if (roles.orchestrator) workers.push(...openWorkers({ ...working, ...own }))
  const reconciling = reconcilerOf({ ...working, owner: node.id, onWork })
  const health = await openOwnHealth({ environment, store, database: recording.database, pipeline })
  const { reconciler } = reconciling
  const parts = { all, processes, pipeline, node, notifier, nudge, later, health, reconciler, mirrors, tracer, pools }
  // First, because the port may be taken: until here nothing runs that would have to be stopped.
  const serving = {
    ...shared,
    ...reconciling,
    database: store.database,
    looking: pools.looking,
    mode,
    access,
    pipeline,
  }
  const { requestTimeoutMs } = options
  const asked = { ...serving, health, configured: installation, onWork, requestTimeoutMs }
  const server = await openServers({ ...asked, pools, registry, receives: roles.receiver })
  later.server = server
  const { listening, close } = await start({ ...options, clock, roles }, { ...parts, server })
  const { url, metricsUrl } = server
  return { url, metricsUrl, configured: installation, access: access.kind, listening, drained: node.drained, close }
}

/** What others are given before it is there. */
type Later = { server: Servers | null; upkeep: GitSync | null }

/** What is open of a service. */
type Parts = {
  all: ReturnType<typeof together>
  processes: AgentProcesses
  pipeline: Pipeline
  node: Node
  notifier: Notifier<Work>
  nudge(work: readonly Work[]): void
  later: Later
  health: Health
  reconciler: Reconciler
  mirrors: Mirrors
  tracer: Tracer | undefined
  pools: Pools
  server: Servers
}

type Starting = SignalboxOptions & { clock: Clock; roles: { orchestrator: boolean } }

/** Starts what works by itself. */
async function start(options: Starting, parts: Parts): Promise<Pick<Signalbox, 'listening' | 'close'>> {
  const { store, roles, log } = options
  const { all, node, nudge, later, health, pools } = parts
  const onEnded = () => {
    all.renew()
    void node.beat()
  }
  const listening = await openListening({ ...store, pools, onWork: nudge, onEnded, log })
  // First, so that whoever finds its leases can tell whose they are.
  await node.start()
  all.start()
  if (roles.orchestrator) later.upkeep = startUpkeep({ ...options, ...pools, ...parts })
  const watching = health.watch(log)
  return { listening: listening.status, close: () => close(parts, { listening, watching }) }
}

async function close(parts: Parts, started: { listening: Listening; watching: Repeated }): Promise<void> {
  const { all, processes, pipeline, node, notifier, later, reconciler, tracer, pools, server } = parts
  const { listening, watching } = started
  node.drain()
  await Promise.all([listening.stopPolling(), watching.close(), reconciler.close()])
  // Both at once: while the last senders are answered, nothing new is begun.
  await Promise.all([server.close(), ...all.drain()])
  await processes.close()
  await pipeline.idle()
  await later.upkeep?.close()
  await Promise.all([listening.close(), notifier.close(), node.stop(), tracer?.close()])
  await pools.close()
}

function openOwnPipeline(
  parts: PipelineOptions & { log: Log; forges: Forges; repositories: readonly string[] },
): Promise<Pipeline> {
  const reactions = [trackPullRequests(parts.repositories, parts.clock)]
  return openPipeline({ ...parts, markOwn: ownWrites(parts), reactions })
}
