// The only place that builds things: environment and configuration in, parts made and connected, a
// running service out.
import type { Config } from './config/config-file.ts'
import type { Installation } from './config/configure.ts'
import { configure } from './config/configure.ts'
import { openGitSync } from './config/git-sync.ts'
import type { ListenerStatus } from './db/listen.ts'
import { openListener, openNotifier } from './db/listen.ts'
import { migrate } from './db/migrate.ts'
import type { Store } from './db/store.ts'
import { openSender } from './deliveries/sender.ts'
import { trackPullRequests } from './deployments/pull-requests.ts'
import { recordDeployment } from './deployments/record.ts'
import { disableEndpoints, syncConfigEndpoints } from './endpoints/endpoints.ts'
import { eventPayload } from './events/payload.ts'
import { causesOf, getEvent } from './events/query.ts'
import { readOnly } from './forges/read-only.ts'
import { openApi } from './http/api/api.ts'
import { addConfiguredRoutes } from './http/api/configured.ts'
import { addDeploymentRoutes } from './http/api/deployments.ts'
import { addEndpointRoutes } from './http/api/endpoints.ts'
import { addEventRoutes } from './http/api/events.ts'
import { addJobRoutes } from './http/api/jobs.ts'
import { httpApp } from './http/app.ts'
import type { Access } from './http/auth.ts'
import { openServer } from './http/listen.ts'
import { finishedJobEvent } from './jobs/finished.ts'
import { openOrchestrator } from './jobs/orchestrator.ts'
import type { Clock } from './lib/clock.ts'
import { systemClock } from './lib/clock.ts'
import type { Environment } from './lib/environment.ts'
import { every } from './lib/every.ts'
import type { Log } from './lib/log.ts'
import { VERSION } from './lib/version.ts'
import type { Pipeline } from './pipeline.ts'
import { openPipeline } from './pipeline.ts'
import { parseOutputs } from './publisher/output.ts'
import { publisher } from './publisher/publish.ts'
import { lapseAll } from './queue/settle.ts'
import { DELIVERIES, JOBS } from './queue/table.ts'

// Every producer notifies every worker on this channel.
const CHANNEL = 'signalbox'
// How often the workers look for due rows while notifications do not arrive.
const POLL_MS = 1_000
const DELIVERY_SLOTS = 16

/** What a service is made from. */
export type SignalboxOptions = {
  environment: Environment
  config: Config
  /**
   * The folder of `signalbox.config.ts`, kept current by `git pull` if that is wanted; null when
   * there is no such file.
   */
  configFolder?: string | null
  /** An open store; the service does not close it. */
  store: Store
  /** `dev` binds loopback only and needs no token there. */
  mode: 'dev' | 'serve'
  /** A process may receive, orchestrate, or do both. */
  roles?: { receiver: boolean; orchestrator: boolean }
  log: Log
  clock?: Clock
  /** How long a sender may take over its whole request. Default one minute. */
  requestTimeoutMs?: number
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
  const { environment, config, store, mode, log, clock = systemClock } = options
  const { database } = store
  const roles = options.roles ?? { receiver: true, orchestrator: true }
  const installation = configure(environment, config, log)
  const access = accessOf(environment, mode)
  await migrate(database, { log })
  await syncConfigEndpoints(database, config.endpoints ?? [])
  if (store.kind === 'embedded') await expireLeases(database, clock)

  const notifier = openNotifier(database, CHANNEL)
  const workers: Worker[] = []
  const nudge = () => {
    for (const worker of workers) worker.nudge()
  }
  const onWork = () => {
    nudge()
    notifier.notify()
  }
  const { sources, rules, agents } = installation
  const names = [...agents.keys()]
  const reactions = [trackPullRequests]
  const pipeline = await openPipeline({ database, clock, log, sources, rules, agents: names, reactions, onWork })
  const wiring = { ...options, clock, installation, access, pipeline, onWork, notify: () => notifier.notify() }
  if (roles.orchestrator) workers.push(orchestratorOf(wiring), senderOf(wiring))
  // First, because the port may be taken: until here nothing runs that would have to be stopped.
  const server = roles.receiver ? await openReceiver(wiring) : null
  const { url } = store
  const listener = await openListener({ database, url, channels: [CHANNEL], onNotify: nudge, log })
  // Notifications arrive only in a session that is not shared, and so statements prepared in one
  // stay there.
  database.prepareStatements(listener.live)
  const polling = every(POLL_MS, () => listener.live || nudge(), { log, name: 'poll' })
  for (const worker of workers) worker.start()
  const gitSync = roles.orchestrator ? gitSyncOf(options) : null

  const close = async () => {
    await polling.close()
    // Both at once: while the last senders are answered, nothing new is begun.
    await Promise.all([server?.close(), ...workers.map((worker) => worker.drain())])
    await pipeline.idle()
    await gitSync?.close()
    await Promise.all([listener.close(), notifier.close()])
  }
  return {
    url: server?.url ?? null,
    configured: installation,
    access: access.kind,
    listening: () => listener.status(),
    close,
  }
}

function accessOf(environment: Environment, mode: SignalboxOptions['mode']): Access {
  if (environment.SIGNALBOX_API_TOKEN !== undefined) return { kind: 'token', token: environment.SIGNALBOX_API_TOKEN }
  return { kind: mode === 'dev' ? 'loopback' : 'closed' }
}

// Only one process can own an embedded server's data directory, so leases left from before are
// dead.
async function expireLeases(database: Store['database'], clock: Clock): Promise<void> {
  for (const table of [JOBS, DELIVERIES]) await lapseAll(database, table, clock)
}

type Worker = { start(): void; nudge(): void; drain(): Promise<void> }

type Wiring = SignalboxOptions & {
  clock: Clock
  installation: Installation
  access: Access
  pipeline: Pipeline
  /** Notifies every worker, those of this process at once. */
  onWork(): void
  /** Notifies the workers of other processes. */
  notify(): void
}

function openReceiver(wiring: Wiring): Promise<{ url: string; close(): Promise<void> }> {
  const { environment, store, mode, log, clock, installation, access, pipeline, onWork, requestTimeoutMs } = wiring
  const { database } = store
  const { recordIn } = pipeline
  const deploying = { database, clock, recordIn, onWork, publicUrl: environment.SIGNALBOX_PUBLIC_URL }
  const api = openApi(access)
  addEventRoutes(api, database, pipeline.explain)
  addJobRoutes(api, database, clock, onWork)
  addDeploymentRoutes(api, database, (request, key) => recordDeployment(deploying, request, key))
  addEndpointRoutes(api, database)
  addConfiguredRoutes(api, installation)
  const probe = async () => void (await database.query('select 1'))
  const app = httpApp({ version: VERSION, access, log, pipeline, probe, api })
  const host = mode === 'dev' ? '127.0.0.1' : (environment.HOST ?? '0.0.0.0')
  return openServer(app, { host, port: environment.PORT, ...(requestTimeoutMs && { requestTimeoutMs }) })
}

function orchestratorOf({ environment, store, log, clock, installation, pipeline, notify }: Wiring): Worker {
  const { database } = store
  const { forges, agents, rules } = installation
  const publish = publisher({ forges, policyOf: (name) => rules.find((rule) => rule.name === name)?.policy })
  return openOrchestrator({
    database,
    clock,
    log,
    agents,
    forge: readOnly(forges),
    slots: environment.MAX_CONCURRENT_JOBS,
    tickMs: environment.TICK_INTERVAL_SECONDS * 1000,
    wake: notify,
    payloadOf: eventPayload,
    parseOutputs,
    loadEvent: (id) => getEvent(database, id),
    publish: (job, outputs) => Promise.all(outputs.map((output) => publish(job, output))),
    onFinished: async (tx, finished) => {
      const ids = finished.flatMap(({ job }) => job.eventId ?? [])
      const causes = await causesOf(tx, ids)
      const now = clock.now()
      const drafts = finished.map((one) => finishedJobEvent(one, causes.get(one.job.eventId ?? '') ?? null, now))
      await pipeline.recordIn(tx, drafts)
    },
  })
}

function senderOf({ environment, store, log, clock, notify }: Wiring): Worker {
  const { database } = store
  const tickMs = environment.TICK_INTERVAL_SECONDS * 1000
  return openSender({ database, clock, log, slots: DELIVERY_SLOTS, tickMs, wake: notify, disableEndpoints })
}

function gitSyncOf({ environment, configFolder: folder = null, log }: SignalboxOptions) {
  if (folder === null || !environment.GIT_SYNC_ENABLED) return null
  return openGitSync({ folder, intervalMs: environment.TICK_INTERVAL_SECONDS * 1000, log })
}
