// The workers of a service, made from its parts: what runs jobs, sends deliveries and takes emitted
// events.
import type { AgentProcesses } from './config/agent-processes.ts'
import type { Installation } from './config/configure.ts'
import { ownSecrets } from './config/own-secrets.ts'
import type { Database, Sql } from './db/database.ts'
import type { Work } from './db/listening.ts'
import { mailerOf } from './deliveries/mailer.ts'
import { openSender } from './deliveries/sender.ts'
import { ed25519Signer } from './deliveries/sign-ed25519.ts'
import { recordDeploymentIn } from './deployments/record.ts'
import type { DeliveryResult } from './endpoints/results.ts'
import { noteResults } from './endpoints/results.ts'
import type { Seal } from './endpoints/seal.ts'
import type { Outbox } from './events/outbox.ts'
import { openOutbox } from './events/outbox.ts'
import { eventPayload } from './events/payload.ts'
import { causesOf } from './events/query.ts'
import { openEventReader } from './events/reader.ts'
import { readOnly } from './forges/read-only.ts'
import type { FinishedParts } from './jobs/finished.ts'
import { recordFinished } from './jobs/finished.ts'
import { openOrchestrator } from './jobs/orchestrator.ts'
import type { AskPermission } from './jobs/permission.ts'
import { recordWaiting } from './jobs/waiting-event.ts'
import type { AddressGuard } from './lib/address-guard.ts'
import type { Clock } from './lib/clock.ts'
import type { Environment } from './lib/environment.ts'
import type { Activity, Log } from './lib/log.ts'
import type { Meter } from './metrics/meter.ts'
import type { Pipeline } from './pipeline.ts'
import { accepting } from './publisher/accept.ts'
import { publishers } from './publisher/publish.ts'
import type { NotingParts } from './rules/states.ts'
import { noteEnded, overCeiling } from './rules/states.ts'
import { standingOf, whoSchema } from './rules/who.ts'
import { DEPLOYED, emittedTypeProblem } from './sources/emitted-type.ts'
import type { Tracer } from './spans/tracer.ts'
import { redactor } from './untrusted/redact.ts'
import { valueFinder } from './untrusted/value-finder.ts'
import type { Mirrors } from './workspaces/mirrors.ts'
import { sweepWorkspaces } from './workspaces/workspace.ts'

// How often they look at most, should a notification be lost. An idle look takes a millisecond.
const IDLE_LOOK_MS = 5_000
const DELIVERY_SLOTS = 128

/** Does one kind of work from `start` to `drain`. */
export type Worker = {
  work: Work
  running?(): number
  start(): void
  nudge(): void
  renew?(): Promise<void>
  drain(): Promise<void>
}

/** Several workers as one; those that are added to the list later belong to it too. */
export function together(workers: readonly Worker[]) {
  return {
    /** How many jobs they run. */
    running: () => workers.find(({ work }) => work === 'jobs')?.running?.() ?? 0,
    start() {
      for (const worker of workers) worker.start()
    },
    nudge(work: readonly Work[]) {
      for (const worker of workers) if (work.includes(worker.work)) worker.nudge()
    },
    /** Renewing is how a worker learns which of its rows were ended. */
    renew() {
      for (const worker of workers) void worker.renew?.()
    },
    drain: () => workers.map((worker) => worker.drain()),
  }
}

/** What the workers are made from. */
export type WorkersOptions = {
  environment: Environment
  database: Database
  clock: Clock
  log: Log
  activity: Activity
  meter: Meter
  tracer: Tracer | undefined
} & {
  /** The id of the node, which owns what they claim. */
  owner: string
  seal: Seal
  leases: Database
  installation: Installation
  processes: AgentProcesses
  mirrors: Mirrors
  pipeline: Pipeline
  guard: AddressGuard
  permitted: AskPermission
  leaseMs: number | undefined
  /**
   * Notifies all workers of this work, those of this process included, through the database.
   */
  notify(...work: Work[]): void
}

/** Opens the orchestrator, the sender of deliveries and the taker of emitted events. */
export function openWorkers({
  environment,
  owner,
  installation,
  processes,
  pipeline,
  mirrors,
  guard,
  ...shared
}: WorkersOptions): Worker[] {
  const { database, clock } = shared
  const { forges, models, muting } = installation
  void sweepWorkspaces().catch((err: unknown) => shared.log.warn({ err }, 'old workspaces stay'))
  const tickMs = Math.min(environment.TICK_INTERVAL_SECONDS * 1000, IDLE_LOOK_MS)
  const secrets = ownSecrets(environment, installation)
  const own = redactor([], secrets)
  const isOwn = valueFinder(secrets)
  const orchestrator = openOrchestrator({
    ...shared,
    id: owner,
    tickMs,
    agents: processes.agents,
    forge: readOnly(forges),
    mirrors,
    models,
    muting,
    slots: environment.MAX_CONCURRENT_JOBS,
    publicUrl: environment.SIGNALBOX_PUBLIC_URL,
    loadEvent: openEventReader(database),
    overCeiling: (job) => overCeiling(database, installation, job),
    payloadOf: eventPayload,
    redactor: own,
    acceptOutputs: accepting(isOwn),
    openPublisher: publishers({ forges, isOwn, log: shared.log }),
    approvers: { who: whoSchema, standing: standingOf },
    notify: notifying('jobs', shared.notify),
    onWaiting: recordWaiting({ clock, causesOf, recordIn: pipeline.recordIn }),
    onFinished: recordFinished({
      clock,
      causesOf,
      recordIn: pipeline.recordIn,
      noteWithRules: notingWithRules({ ...shared, rules: installation.rules }),
    }),
  })
  const sender = openSender({
    ...shared,
    owner,
    tickMs,
    slots: DELIVERY_SLOTS,
    payloadOf: eventPayload,
    notify: notifying('deliveries', shared.notify),
    noteResults: noting(shared, pipeline),
    connections: { guard, proxies: environment },
    mailer: mailerOf(environment),
    forges,
    publicUrl: environment.SIGNALBOX_PUBLIC_URL,
    ed25519: ed25519Signer(environment.SIGNALBOX_SIGNING_KEY),
  })
  const taker = openTaker({ environment, installation, pipeline, tickMs, ...shared })
  return [
    { work: 'jobs', ...orchestrator },
    { work: 'deliveries', ...sender },
    { work: 'outbox', ...taker },
  ]
}

function notifying(own: Work, notify: WorkersOptions['notify']): (whom: 'same' | 'any') => void {
  return (whom) => (whom === 'same' ? notify(own) : notify('jobs', 'deliveries'))
}

type TakerOptions = Pick<WorkersOptions, 'environment' | 'database' | 'clock' | 'log' | 'installation' | 'pipeline'> & {
  tickMs: number
  notify(...work: Work[]): void
}

/** Takes what other programs emitted in their own transactions. */
function openTaker({ environment, installation, pipeline, notify, ...shared }: TakerOptions): Outbox {
  const { recordIn } = pipeline
  const recording = { clock: shared.clock, recordIn, publicUrl: environment.SIGNALBOX_PUBLIC_URL }
  return openOutbox({
    ...shared,
    typeProblem: (type) => emittedTypeProblem(type, installation.sources),
    isDeployment: (type) => type === DEPLOYED,
    recordIn,
    recordDeployment: (tx, deployment) => recordDeploymentIn(recording, tx, deployment),
    onWork: () => notify('jobs', 'deliveries'),
  })
}

/** Notes with their rules how jobs ended. */
function notingWithRules(parts: NotingParts): FinishedParts['noteWithRules'] {
  return (tx, ended) =>
    noteEnded(
      tx,
      parts,
      // Whoever may not start a job cannot have its rule paused by it.
      ended
        .filter(({ job }) => job.isAllowed !== false)
        .map(({ job, cause, ...end }) => ({
          id: job.id,
          rule: job.rule,
          outcome: end.outcome,
          error: end.outcome === 'completed' ? null : end.error,
          ceilingSubject: job.ceilingSubject ?? null,
          depth: cause?.depth ?? 0,
          facts: cause?.facts ?? {},
        })),
    )
}

/** Notes what deliveries came to with their endpoints, and records what that leads to. */
function noting(parts: { clock: Clock; log: Log }, { recordIn }: Pipeline) {
  return async (tx: Sql, results: readonly DeliveryResult[]): Promise<boolean> => {
    const drafts = await noteResults(tx, parts, results)
    if (drafts.length === 0) return false
    return (await recordIn(tx, drafts)).some(({ status }) => status === 'routed')
  }
}
