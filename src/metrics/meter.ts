// What a process counts while it works, for Prometheus.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the rest of the program counts. Each call costs about a microsecond. */
export type Meter = {
  /** Events were written, by one commit of that many milliseconds; `status` may be `duplicate`. */
  committed(events: readonly { source: string; status: string }[], tookMs: number): void
  /** Events were written within the transaction of something else. */
  recorded(events: readonly { source: string; status: string }[]): void
  /** A request was refused with a code of the table of errors. */
  refused(area: 'webhook' | 'api' | 'other', code: string): void
  /** A row was begun that many milliseconds after it was due. */
  claimed(kind: QueueKind, waitedMs: number): void
  /** An agent's attempt ran to its end, whatever becomes of it. */
  ran(agent: string, outcome: string, tookMs: number): void
  /** The end of an attempt of a job is stored. */
  jobAttempted(agent: string, outcome: string): void
  /** The end of an attempt of a delivery is stored; null when nothing was sent. */
  deliveryAttempted(outcome: string, tookMs: number | null): void
  /** A model has answered. */
  modelCalled(call: { model: string; agent: string } & ModelUse): void
  /** What GitHub last said of a rate limit. */
  githubLimit(limit: { resource: string; remaining: number; limit: number; resetAt: number }): void
}

/** What is queued. */
export type QueueKind = 'jobs' | 'deliveries'

type ModelUse = { inputTokens: number; outputTokens: number; usd: number | null; tookMs: number }

// From a claim by a notification to a backlog of an hour, and what agents and receivers take.
const WAIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]
const RUN_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]
const SEND_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15]
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
const BATCH_EVENTS = [1, 2, 4, 8, 16, 32, 64]

// https://docs.github.com/en/rest/rate-limit/rate-limit; others of a server's own count as `other`.
const RESOURCES: ReadonlySet<string> = new Set([
  ...['core', 'search', 'code_search', 'graphql', 'integration_manifest', 'dependency_snapshots'],
  ...['dependency_sbom', 'code_scanning_upload', 'code_scanning_autofix', 'actions_runner_registration'],
  ...['source_import', 'scim', 'audit_log'],
])

/** A meter, and the registry with what it has counted. */
export function openMeter(): { meter: Meter; registry: Registry } {
  const registry = new Registry()
  const registers = [registry]
  return { registry, meter: { ...ingest(registers), ...queues(registers), ...models(registers), ...limits(registers) } }
}

type Registers = { registers: Registry[] }['registers']

function ingest(registers: Registers): Pick<Meter, 'committed' | 'recorded' | 'refused'> {
  const events = new Counter({
    name: 'signalbox_events_recorded_total',
    help: 'Events recorded by this process, by source and status.',
    labelNames: ['source', 'status'] as const,
    registers,
  })
  const batch = new Histogram({
    name: 'signalbox_commit_events',
    help: 'How many events one commit of this process recorded.',
    buckets: BATCH_EVENTS,
    registers,
  })
  const commit = new Histogram({
    name: 'signalbox_commit_seconds',
    help: 'How long a commit of events took.',
    buckets: COMMIT_SECONDS,
    registers,
  })
  const refused = new Counter({
    name: 'signalbox_requests_refused_total',
    help: 'Requests that this process refused, by where they were sent to and the code of the error.',
    labelNames: ['area', 'code'] as const,
    registers,
  })
  const recorded: Meter['recorded'] = (all) => {
    for (const { source, status } of all) events.inc({ source, status })
  }
  return {
    recorded,
    committed(all, tookMs) {
      recorded(all)
      batch.observe(all.length)
      commit.observe(tookMs / 1000)
    },
    refused: (area, code) => refused.inc({ area, code }),
  }
}

function queues(registers: Registers): Pick<Meter, 'claimed' | 'ran' | 'jobAttempted' | 'deliveryAttempted'> {
  const latency = new Histogram({
    name: 'signalbox_claim_latency_seconds',
    help: 'From when a job or delivery was due until this process began it, the wait for its group included.',
    labelNames: ['kind'] as const,
    buckets: WAIT_SECONDS,
    registers,
  })
  // From the beginning, so that one that begins nothing is seen to.
  for (const kind of ['jobs', 'deliveries']) latency.zero({ kind })
  const run = new Histogram({
    name: 'signalbox_job_run_seconds',
    help: 'How long attempts of jobs ran, by agent and how they ended.',
    labelNames: ['agent', 'outcome'] as const,
    buckets: RUN_SECONDS,
    registers,
  })
  const jobs = new Counter({
    name: 'signalbox_job_attempts_total',
    help: 'Attempts of jobs whose end this process stored, by agent and outcome.',
    labelNames: ['agent', 'outcome'] as const,
    registers,
  })
  const deliveries = new Counter({
    name: 'signalbox_delivery_attempts_total',
    help: 'Attempts of deliveries whose end this process stored, by outcome.',
    labelNames: ['outcome'] as const,
    registers,
  })
  const sending = new Histogram({
    name: 'signalbox_delivery_attempt_seconds',
    help: 'How long attempts of deliveries took, by outcome.',
    labelNames: ['outcome'] as const,
    buckets: SEND_SECONDS,
    registers,
  })
  return {
    claimed: (kind, waitedMs) => latency.observe({ kind }, Math.max(0, waitedMs) / 1000),
    ran: (agent, outcome, tookMs) => run.observe({ agent, outcome }, tookMs / 1000),
    jobAttempted: (agent, outcome) => jobs.inc({ agent, outcome }),
    deliveryAttempted(outcome, tookMs) {
      deliveries.inc({ outcome })
      if (tookMs !== null) sending.observe({ outcome }, tookMs / 1000)
    },
  }
}

function models(registers: Registers): Pick<Meter, 'modelCalled'> {
  const labelNames = ['model', 'agent'] as const
  const calls = new Histogram({
    name: 'signalbox_model_call_seconds',
    help: 'How long models took to answer.',
    labelNames,
    buckets: RUN_SECONDS,
    registers,
  })
  const tokens = new Counter({
    name: 'signalbox_model_tokens_total',
    help: 'Tokens of answered calls of models; direction is input or output.',
    labelNames: [...labelNames, 'direction'] as const,
    registers,
  })
  const cost = new Counter({
    name: 'signalbox_model_cost_usd_total',
    help: 'What answered calls of models cost in US dollars, where the configuration has a price.',
    labelNames,
    registers,
  })
  return {
    modelCalled({ model, agent, inputTokens, outputTokens, usd, tookMs }) {
      calls.observe({ model, agent }, tookMs / 1000)
      tokens.inc({ model, agent, direction: 'input' }, inputTokens)
      tokens.inc({ model, agent, direction: 'output' }, outputTokens)
      if (usd !== null) cost.inc({ model, agent }, usd)
    },
  }
}

function limits(registers: Registers): Pick<Meter, 'githubLimit'> {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `signalbox_github_rate_limit_${name}`, help, labelNames: ['resource'] as const, registers })
  const left = gauge('remaining', 'Requests that GitHub last said this process has left.')
  const all = gauge('limit', 'Requests that GitHub allows until the limit is reset.')
  const reset = gauge('reset_timestamp_seconds', 'When GitHub resets the limit.')
  return {
    githubLimit({ resource: given, remaining, limit, resetAt }) {
      const resource = RESOURCES.has(given) ? given : 'other'
      left.set({ resource }, remaining)
      all.set({ resource }, limit)
      reset.set({ resource }, resetAt)
    },
  }
}

let ofProcess: Registry | undefined

/**
 * What Node.js and the system say of this process: processor time, memory, event loop, garbage
 * collector. Measured from the first call on, once for all services of a process.
 */
export function processMetrics(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}
