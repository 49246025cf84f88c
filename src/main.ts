// The only place that builds things: settings in, parts made and connected, a running service out.
import type { EnvironmentDeployed } from '@signalbox/sdk'
import type { Config } from './config/config-file.ts'
import type { Configured } from './config/configure.ts'
import { configure } from './config/configure.ts'
import { openGitSync } from './config/git-sync.ts'
import type { Sql } from './db/database.ts'
import type { ListenerStatus } from './db/listen.ts'
import { openListener, openNotifier } from './db/listen.ts'
import { migrate } from './db/migrate.ts'
import type { Store } from './db/store.ts'
import { openSender } from './deliveries/sender.ts'
import type { EventDraft } from './deployments/deployed-event.ts'
import { recordPullRequest } from './deployments/pull-requests.ts'
import { configOf } from './deployments/query.ts'
import { recordDeployment } from './deployments/record.ts'
import { disableEndpoints, syncConfigEndpoints } from './endpoints/endpoints.ts'
import type { Event, Recorded } from './events/event.ts'
import { eventPayload } from './events/payload.ts'
import { causesOf, getEvent } from './events/query.ts'
import type { Recorder } from './events/record.ts'
import { openRecorder } from './events/record.ts'
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
import type { Log } from './lib/log.ts'
import { tokenBucket } from './lib/token-bucket.ts'
import { VERSION } from './lib/version.ts'
import type { PipelineParts } from './pipeline.ts'
import { openPipeline } from './pipeline.ts'
import { parseOutputs } from './publisher/output.ts'
import { publisher } from './publisher/publish.ts'
import { lapseAll } from './queue/settle.ts'
import { DELIVERIES, JOBS } from './queue/table.ts'
import type { Routing } from './routing.ts'
import { openRouting } from './routing.ts'
import { jobTypes } from './rules/jobs.ts'

// Everybody who may have work wakes everybody who may do it, over one channel.
const CHANNEL = 'signalbox'
// How often the queues are looked at while notifications do not arrive.
const POLL_MS = 1_000
const DELIVERY_SLOTS = 16
// Refused requests kept as rows: at most about 86,000 a day, a few hundred bytes each.
const REFUSALS = { burst: 100, perSecond: 1 }

/** What a service is made from. */
export type SignalboxOptions = {
  environment: Environment
  config: Config
  /**
   * The folder of `signalbox.config.ts`, kept current by `git pull` if that is wanted; null when
   * there is no such file.
   */
  configFolder?: string | null
  /** An open, migrated store; the service does not close it. */
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
 * A running service. `close` answers what was accepted, lets running work end, and gives the rest
 * back.
 */
export type Signalbox = {
  /** Null when this process does not receive. */
  url: string | null
  configured: Configured
  access: Access['kind']
  listening(): ListenerStatus
  close(): Promise<void>
}

function accessOf(environment: Environment, mode: SignalboxOptions['mode']): Access {
  if (environment.SIGNALBOX_API_TOKEN !== undefined) return { kind: 'token', token: environment.SIGNALBOX_API_TOKEN }
  return { kind: mode === 'dev' ? 'loopback' : 'closed' }
}

/**
 * A pull request that documents a deployment is stored against it, together with GitHub's event.
 */
const alongside: PipelineParts['alongside'] = ({ type, payload }, sourceName) =>
  sourceName === 'github' && type.startsWith('pull_request.')
    ? (tx, eventId) => recordPullRequest(tx, { eventId, payload })
    : undefined

type Wiring = SignalboxOptions & {
  clock: Clock
  configured: Configured
  routing: Routing
  wake: () => void
  recorder: Recorder
}

/** Opens the HTTP edge. */
async function openReceiver(wiring: Wiring): Promise<{ url: string; close(): Promise<void> }> {
  const { environment, store, mode, log, clock, configured, routing, recorder, wake } = wiring
  const { database } = store
  const access = accessOf(environment, mode)
  const pipeline = openPipeline({
    clock,
    log,
    recorder,
    alongside,
    sources: configured.sources,
    jobTypes: jobTypes(configured.rules, [...configured.agents.keys()]),
    refusals: tokenBucket(clock, REFUSALS),
  })
  const api = openApi(access)
  addEventRoutes(api, database, async (event) => {
    await routing.reload(database)
    return routing.explain(event)
  })
  addJobRoutes(api, database, clock, wake)
  addDeploymentRoutes(api, database, async (request, options) => {
    const recordEvent = async (tx: Sql, event: EventDraft) => {
      const [recorded] = await recorder.recordIn(tx, [{ ...event, payload: null, depth: 0, causeJobId: null }])
      return recorded as Recorded
    }
    const publicUrl = environment.SIGNALBOX_PUBLIC_URL
    const recorded = await recordDeployment({ database, clock, recordEvent, publicUrl }, request, options)
    wake()
    return recorded
  })
  addEndpointRoutes(api, database)
  addConfiguredRoutes(api, configured)
  const probe = async () => void (await database.query('select 1'))
  const app = httpApp({ version: VERSION, access, log, pipeline, probe, api })
  const host = mode === 'dev' ? '127.0.0.1' : (environment.HOST ?? '0.0.0.0')
  const { requestTimeoutMs } = wiring
  return openServer(app, { host, port: environment.PORT, ...(requestTimeoutMs && { requestTimeoutMs }) })
}

/**
 * An event's payload as agents get it: what Agenta sends today in the guide's form, and a
 * deployment with its configuration, however large.
 */
async function readPayload(store: Store, sources: Configured['sources'], event: Event): Promise<unknown> {
  const source = sources.get(event.source)
  if (source !== undefined && event.body !== null) {
    return source.normalise(event.body, { get: (name) => event.headers[name.toLowerCase()] ?? null }).payload
  }
  const payload = eventPayload(event)
  if (event.source !== 'deployments') return payload
  const { data, ...rest } = payload as unknown as EnvironmentDeployed
  return { ...rest, data: { ...data, config: data.config ?? (await configOf(store.database, data.deployment_id)) } }
}

/** Opens what does the work: the orchestrator and the sender of deliveries. */
function openWorkers({ environment, store, log, clock, configured, recorder, wake }: Wiring) {
  const { database } = store
  const { forges, agents, rules } = configured
  const publish = publisher({ forges, policyOf: (name) => rules.find((rule) => rule.name === name)?.policy })
  const tickMs = environment.TICK_INTERVAL_SECONDS * 1000
  const orchestrator = openOrchestrator({
    database,
    clock,
    log,
    agents,
    forge: readOnly(forges),
    slots: environment.MAX_CONCURRENT_JOBS,
    tickMs,
    wake,
    payloadOf: (event) => readPayload(store, configured.sources, event),
    parseOutputs,
    loadEvent: (id) => getEvent(database, id),
    publish: (job, outputs) => Promise.all(outputs.map((output) => publish(job, output))),
    onFinished: async (tx, finished) => {
      const causes = await causesOf(
        tx,
        finished.flatMap(({ job }) => job.eventId ?? []),
      )
      const now = clock.now()
      const drafts = finished.map((one) => finishedJobEvent(one, causes.get(one.job.eventId ?? '') ?? null, now))
      await recorder.recordIn(tx, drafts)
    },
  })
  const sender = openSender({ database, clock, log, slots: DELIVERY_SLOTS, tickMs, wake, disableEndpoints })
  return {
    start() {
      orchestrator.start()
      sender.start()
    },
    nudge() {
      orchestrator.nudge()
      sender.nudge()
    },
    drain: () => Promise.all([orchestrator.drain(), sender.drain()]),
  }
}

/**
 * Opens a service over an open store: brings the database up to date, connects the parts, and
 * starts them.
 */
export async function openSignalbox(options: SignalboxOptions): Promise<Signalbox> {
  const { environment, config, store, mode, log, clock = systemClock } = options
  const { receiver: receives, orchestrator: works } = options.roles ?? { receiver: true, orchestrator: true }
  const configured = configure(environment, config, log)
  await migrate(store.database, { log })
  await syncConfigEndpoints(store.database, config.endpoints ?? [])
  if (store.kind === 'embedded') {
    // Its data directory has one owner: whoever holds a lease is dead, so nobody need wait for it
    // to run out.
    for (const table of [JOBS, DELIVERIES]) await lapseAll(store.database, table, clock)
  }
  const routing = await openRouting(store.database, configured.rules)

  let nudge = () => {}
  const notifier = openNotifier(store.database, CHANNEL)
  // The work made here is looked at here at once; other processes are told by the database.
  const wake = () => {
    nudge()
    notifier.notify()
  }
  const recorder = openRecorder({ database: store.database, clock, router: routing, onWork: wake })
  const wiring: Wiring = { ...options, clock, configured, routing, wake, recorder }
  const workers = works ? openWorkers({ ...wiring, wake: () => notifier.notify() }) : null
  if (workers) nudge = workers.nudge
  // First, because the port may be taken: until here nothing runs that would have to be stopped.
  const server = receives ? await openReceiver(wiring) : null
  const listener = await openListener({
    database: store.database,
    url: store.url,
    channels: [CHANNEL],
    onNotify: () => nudge(),
    log,
  })
  // Notifications arrive: the connection is a session of our own, and so statements prepared in it
  // stay there.
  store.database.prepareStatements(listener.live)
  const polling = setInterval(() => listener.live || nudge(), POLL_MS)
  workers?.start()
  const { configFolder = null } = options
  const gitSync =
    works && environment.GIT_SYNC_ENABLED && configFolder !== null
      ? openGitSync({ folder: configFolder, intervalMs: environment.TICK_INTERVAL_SECONDS * 1000, log })
      : null

  const close = async () => {
    clearInterval(polling)
    // Both at once: while the last senders are answered, nothing new is begun.
    await Promise.all([server?.close(), workers?.drain()])
    await recorder.idle()
    await gitSync?.close()
    await Promise.all([listener.close(), notifier.close()])
  }
  return {
    url: server?.url ?? null,
    configured,
    access: accessOf(environment, mode).kind,
    listening: () => listener.status(),
    close,
  }
}
