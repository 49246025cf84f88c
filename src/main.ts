// The only place that builds things: environment and configuration in, parts made and connected, a
// running service out.
import type { Config } from './config/config-file.ts'
import type { Installation } from './config/configure.ts'
import { configure } from './config/configure.ts'
import { openGitSync } from './config/git-sync.ts'
import { ownSecrets } from './config/own-secrets.ts'
import type { Database } from './db/database.ts'
import type { ListenerStatus } from './db/listen.ts'
import { openListener, openNotifier } from './db/listen.ts'
import { migrate } from './db/migrate.ts'
import { openDatabase } from './db/postgres.ts'
import type { Store } from './db/store.ts'
import { DELIVERIES } from './deliveries/delivery.ts'
import { openSender } from './deliveries/sender.ts'
import { trackPullRequests } from './deployments/pull-requests.ts'
import { disableGone, syncConfigEndpoints } from './endpoints/endpoints.ts'
import { eventPayload } from './events/payload.ts'
import { causesOf } from './events/query.ts'
import { openEventReader } from './events/reader.ts'
import { readOnly } from './forges/read-only.ts'
import type { Access } from './http/auth.ts'
import { accessFor } from './http/auth.ts'
import { openReceiver } from './http/receiver.ts'
import { recordFinished } from './jobs/finished.ts'
import { JOBS } from './jobs/job.ts'
import { openOrchestrator } from './jobs/orchestrator.ts'
import type { Clock } from './lib/clock.ts'
import { systemClock } from './lib/clock.ts'
import type { Environment } from './lib/environment.ts'
import { every } from './lib/every.ts'
import type { Activity, Log } from './lib/log.ts'
import { activityOn } from './lib/log.ts'
import type { Pipeline } from './pipeline.ts'
import { openPipeline } from './pipeline.ts'
import { parseOutputs } from './publisher/output.ts'
import { publisher } from './publisher/publish.ts'
import { redactedOutput } from './publisher/redacted-output.ts'
import { LEASE_MS, leaseTiming } from './queue/lease-timing.ts'
import { queueOn } from './queue/queue.ts'
import { redactor } from './untrusted/redact.ts'

// Every producer notifies every worker on this channel.
const CHANNEL = 'signalbox'
// How often the workers look for due rows while notifications do not arrive.
const POLL_MS = 1_000
// How often they look at most, should a notification be lost. An idle look takes a millisecond.
const IDLE_LOOK_MS = 5_000
const DELIVERY_SLOTS = 64

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
  /** `dev` binds loopback only, and takes a bare manual trigger without the token. */
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
  const { environment, config, configFolder, store, mode, log, clock = systemClock, requestTimeoutMs } = options
  const { database, url } = store
  const roles = options.roles ?? { receiver: true, orchestrator: true }
  const installation = configure(environment, config, log)
  const { sources, rules, agents } = installation
  const access = accessFor(environment.SIGNALBOX_API_TOKEN)
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
  const shared = { environment, database, clock, log, activity: activityOn(log, mode === 'dev') }
  const reactions = [trackPullRequests(installation.repositories)]
  const pipeline = await openPipeline({ ...shared, sources, rules, agents: [...agents.keys()], reactions, onWork })
  const leases = roles.orchestrator ? await openLeases(url, log) : null
  if (leases) workers.push(...openWorkers({ ...shared, leases, installation, pipeline, notify: notifier.notify }))
  // First, because the port may be taken: until here nothing runs that would have to be stopped.
  const server = roles.receiver
    ? await openReceiver({ ...shared, mode, access, configured: installation, pipeline, onWork, requestTimeoutMs })
    : null
  // Notifications arrive only in a session that is not shared, and so statements prepared in one
  // stay there.
  const onLive = database.ownSessions
  const listener = await openListener({ database, url, channels: [CHANNEL], onNotify: nudge, onLive, log })
  const polling = every(POLL_MS, () => listener.live || nudge(), { log, name: 'poll' })
  for (const worker of workers) worker.start()
  const pulls = roles.orchestrator && environment.GIT_SYNC_ENABLED && configFolder
  const intervalMs = environment.TICK_INTERVAL_SECONDS * 1000
  const gitSync = pulls ? openGitSync({ folder: configFolder, intervalMs, log }) : null

  const close = async () => {
    await polling.close()
    // Both at once: while the last senders are answered, nothing new is begun.
    await Promise.all([server?.close(), ...workers.map((worker) => worker.drain())])
    await pipeline.idle()
    await gitSync?.close()
    await Promise.all([listener.close(), notifier.close(), leases?.close()])
  }
  return {
    url: server?.url ?? null,
    configured: installation,
    access: access.kind,
    listening: () => listener.status(),
    close,
  }
}

// Only one process can own an embedded server's data directory, so leases left from before are
// dead.
async function expireLeases(database: Database, clock: Clock): Promise<void> {
  await queueOn({ table: JOBS, clock }).expireLeases(database)
  await queueOn({ table: DELIVERIES, clock }).expireLeases(database)
}

// A renewal must not wait behind other work, and one that is not answered soon is sent again over
// another connection.
function openLeases(url: string, log: Log): Promise<Database> {
  const { answerMs } = leaseTiming(LEASE_MS)
  return openDatabase({ url, log, max: 2, answerMs, applicationName: 'signalbox leases' })
}

type Worker = { start(): void; nudge(): void; drain(): Promise<void> }

type WorkersOptions = { environment: Environment; database: Database; clock: Clock; log: Log; activity: Activity } & {
  leases: Database
  installation: Installation
  pipeline: Pipeline
  /** Notifies all workers, those of this process included, through the database. */
  notify(): void
}

function openWorkers({ environment, installation, pipeline, ...shared }: WorkersOptions): Worker[] {
  const { database, clock } = shared
  const { forges, agents } = installation
  const tickMs = Math.min(environment.TICK_INTERVAL_SECONDS * 1000, IDLE_LOOK_MS)
  const own = redactor([], ownSecrets(environment, installation.sources.values()))
  const orchestrator = openOrchestrator({
    ...shared,
    tickMs,
    agents,
    forge: readOnly(forges),
    slots: environment.MAX_CONCURRENT_JOBS,
    loadEvent: openEventReader(database),
    payloadOf: eventPayload,
    redactor: own,
    parseOutputs: (outputs) => parseOutputs(outputs).map((output) => redactedOutput(output, own)),
    publish: publisher({ forges }),
    onFinished: recordFinished({ clock, causesOf, recordIn: pipeline.recordIn }),
  })
  const sender = openSender({ ...shared, tickMs, slots: DELIVERY_SLOTS, payloadOf: eventPayload, disableGone })
  return [orchestrator, sender]
}
