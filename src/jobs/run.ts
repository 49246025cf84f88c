// One attempt of one job, from the claimed row to its outcome.
import type { Agent, AgentContext } from '../agents/agent.ts'
import type { Database } from '../db/database.ts'
import type { Event } from '../events/event.ts'
import type { Muting } from '../findings/precision.ts'
import type { ReadForge } from '../forges/forge.ts'
import { parseInput } from '../lib/agent-input.ts'
import type { Clock } from '../lib/clock.ts'
import { RetryAt, Skipped } from '../lib/error.ts'
import { LONGEST_TIMER_MS } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { untilStopped } from '../lib/until-stopped.ts'
import { modelOf } from '../models/model.ts'
import type { Models } from '../models/models.ts'
import { openModels, stateOf } from '../models/models.ts'
import type { AcceptOutputs } from '../publisher/accept.ts'
import type { OpenPublisher } from '../publisher/publish.ts'
import type { Handled } from '../queue/table.ts'
import type { Redactor } from '../untrusted/redact.ts'
import { redactor } from '../untrusted/redact.ts'
import { checkoutOf } from '../workspaces/checkout.ts'
import type { Mirrors } from '../workspaces/mirrors.ts'
import type { Workspaces } from '../workspaces/workspace.ts'
import { openWorkspaces } from '../workspaces/workspace.ts'
import { sayStarted } from './activity.ts'
import type { Approvers } from './approval.ts'
import { agentOf, beforeWork, eventOf, jobOf } from './beginning.ts'
import type { PayloadOf } from './early-event.ts'
import { causeOf } from './failure-cause.ts'
import { insist } from './fence.ts'
import { findingsToStore, ledgerFor } from './findings.ts'
import type { JobRow, RunDetail } from './job.ts'
import { toJob } from './job.ts'
import type { JobLog } from './job-log.ts'
import { minutesLeftMs, minutesUsed, openModelCalls } from './model-calls.ts'
import type { Observed, Observers } from './observed.ts'
import { observe } from './observed.ts'
import { publishPending, rememberRun } from './outputs.ts'
import type { AskPermission } from './permission.ts'
import type { EarlyOutputs, EarlyParts } from './publish-early.ts'
import { openEarlyOutputs } from './publish-early.ts'
import { isWaiting, outcomeOf, stackOf, withoutSecrets } from './retry-policy.ts'
import { readReturned } from './returned.ts'
import type { StepStore } from './steps.ts'
import { openStepStore } from './steps.ts'
import { inheritedStep } from './supersede.ts'
import type { AskCeiling } from './trigger.ts'
import { triggerOf } from './trigger.ts'
import type { Wait } from './wait-rows.ts'
import type { WaitStore } from './waits.ts'
import { openWaitStore } from './waits.ts'

/** What an attempt needs from the rest of the program. */
export type RunOptions = Observers & {
  database: Database
  clock: Clock
  log: Log
  agents: ReadonlyMap<string, Agent>
  forge: ReadForge | null
  /** Where worktrees come from; without them no agent can have one. */
  mirrors?: Mirrors
  /** Asks whether those who caused a job may; without it, nothing that must be asked is done. */
  permitted?: AskPermission
  /** Asks whether a rule has made too many jobs for one to begin. Default: none has. */
  overCeiling?: AskCeiling
  /** The address of the service from outside, for links to jobs. */
  publicUrl?: string | undefined
  /** What agents may ask. Default: none is set up. */
  models?: Models
  /** When categories of findings mute themselves; without it, as they do by default. */
  muting?: Muting
  openPublisher: OpenPublisher
  /** Decides who may answer when an agent asks for approval. */
  approvers: Approvers
  /** Takes secrets out of errors, log lines and results; without it, those of a known form. */
  redactor?: Redactor
  /** Checks what an agent returned as outputs, before any of it is stored. */
  acceptOutputs: AcceptOutputs
  loadEvent: (id: string) => Promise<Event | null>
  /** An event's payload; undefined if it has none. */
  payloadOf: PayloadOf
  /** In [0, 1): the jitter of back-offs. */
  random?: () => number
  leaseMs: number
  /** What a stopped agent may take to end. */
  stopGraceMs: number
}

const byForm = redactor()
const noModels = openModels({ environment: {} })

/**
 * Makes one attempt of a job. Never throws: what went wrong is in the outcome, as retry-policy.ts
 * reads it.
 */
export async function runJob(
  options: RunOptions,
  jobLog: JobLog,
  row: JobRow,
  signal: AbortSignal,
): Promise<Handled<RunDetail>> {
  const observed = observe(options, row)
  const openPublisher = observed.publisher(options.openPublisher)
  const handled = await attemptJob({ ...options, openPublisher, observed }, jobLog, row, signal)
  observed.end(handled.outcome)
  return handled
}

/** How long the end of an attempt waits for the database to take its last lines. */
const LAST_LINES_MS = 30_000

type AttemptOptions = RunOptions & { observed: Observed }

async function attemptJob(
  options: AttemptOptions,
  jobLog: JobLog,
  row: JobRow,
  signal: AbortSignal,
): Promise<Handled<RunDetail>> {
  const { clock, database, log, redactor: secrets = byForm } = options
  const job = toJob(row)
  const over = new AbortController()
  const timer = startLimit(row.time_limit_ms, over, timeIsUp(row))
  const stop = AbortSignal.any([signal, over.signal])
  const workspaces = openWorkspaces(stop)
  const write = jobLog.of(row, secrets)
  sayStarted(log, row)
  let minutesTimer: NodeJS.Timeout | undefined
  let open = (): readonly Wait[] => []
  let written = async (): Promise<unknown> => null
  const work = async () => {
    const { minutes } = row.budget ?? {}
    // What has run has only its outputs to publish, which are paid for.
    if (minutes !== undefined && row.ran_at === null) {
      const leftMs = await beforeWork(clock, minutesLeftMs(database, row.id, minutes))
      minutesTimer = startLimit(leftMs, over, minutesUsed(minutes))
    }
    const steps = await beforeWork(clock, openStepStore(database, row, { clock, stop }))
    return runAgent(options, row, steps, {
      signal: stop,
      workspaces,
      onOpen: (waits, early) => {
        open = waits.open
        written = early.settled
      },
      log: (line, given) => {
        if (!stop.aborted) write(line, given)
      },
    })
  }
  try {
    // A stopped agent has its grace to end, because its slot and its group are free after that: a
    // program that is still being ended must not meet the next one. One that ignores its signal
    // does not keep them longer.
    const { result, hasOutputs } = await untilStopped(stop, options.stopGraceMs, work())
    clearTimeout(minutesTimer)
    // Waited for to its end, unlike an agent: it stops by itself, but for the answer to a request
    // on its way. As long as that may write something, the job must be nobody else's.
    if (hasOutputs) await publishOutputs(options, row, stop)
    return { outcome: { kind: 'completed' }, detail: { result } }
  } catch (thrown) {
    // As above, of what the agent has published: it may be on its way.
    const late = await written()
    const error = stop.aborted && late instanceof RetryAt ? late : thrown
    const waits = open()
    if (waits.length > 0 && isWaiting(error)) {
      const delayMs = Math.max(0, Math.min(...waits.map(({ leftMs }) => leftMs)))
      return { outcome: { kind: 'waiting', delayMs }, detail: { waits } }
    }
    // What was skipped says so itself: nothing of it ran.
    if (!stop.aborted && !(error instanceof Skipped)) write(stackOf(error), 'stderr')
    const { failures } = row
    const outcome = outcomeOf(error, { failures, now: clock.now(), random: options.random })
    const cause = causeOf(error, { isOverTime: over.signal.aborted && !signal.aborted })
    // Its last lines may have to wait for the database, and it may be stopped only then.
    return { outcome: withoutSecrets(outcome, secrets), detail: { cause }, wasDecided: !signal.aborted }
  } finally {
    clearTimeout(timer)
    clearTimeout(minutesTimer)
    // Also ends what is left of an agent that returned: no step, line or folder after this.
    over.abort(new Error('The attempt has ended.'))
    await workspaces
      .remove()
      .catch((error: unknown) => log.warn({ err: error, job: job.id }, 'a workspace could not be removed'))
    await insist(AbortSignal.any([signal, AbortSignal.timeout(LAST_LINES_MS)]), jobLog.flush).catch(() => undefined)
  }
}

async function publishOutputs(options: AttemptOptions, row: JobRow, stop: AbortSignal): Promise<void> {
  const { settles } = row
  try {
    await publishPending(options.database, row, { redactor: byForm, ...options, job: toJob(row), settles, stop })
  } catch (error) {
    // A time to come back at says that a write may yet appear, which the reason to stop does not.
    throw stop.aborted && !(error instanceof RetryAt) ? stop.reason : error
  }
}

function startLimit(limitMs: number, over: AbortController, reason: Error): NodeJS.Timeout {
  return setTimeout(() => over.abort(reason), Math.min(limitMs, LONGEST_TIMER_MS))
}

function timeIsUp({ time_limit_ms: limitMs }: JobRow): Error {
  return new Error(`The time limit of ${limitMs / 1000} s is over.`)
}

/**
 * Runs the agent, unless an earlier attempt left outputs, and remembers what it returned; returns
 * the job's result and whether there may be outputs to publish.
 */
async function runAgent(
  options: AttemptOptions,
  row: JobRow,
  steps: StepStore,
  {
    workspaces,
    onOpen,
    ...context
  }: Pick<AgentContext<unknown>, 'log' | 'signal'> & {
    workspaces: Workspaces
    onOpen(waits: WaitStore, early: EarlyOutputs): void
  },
): Promise<{ result: unknown; hasOutputs: boolean }> {
  const { agents, clock, database, forge, observed } = options
  if (row.ran_at !== null) {
    // Of no use but to its spans.
    if (options.tracer !== undefined) await eventOf(options, row)
    return { result: row.result, hasOutputs: true }
  }
  const agent = agentOf(agents, row.agent)
  const input = await parseInput(agent, row.input)
  const recorded = await eventOf(options, row)
  const step = observed.step(steps)
  const { id, rule, ceiling_subject: ceilingSubject } = row
  const overCeiling = async () =>
    options.overCeiling ? beforeWork(clock, options.overCeiling({ id, rule, ceilingSubject })) : null
  const event = await triggerOf({ ...options, overCeiling }, row, { event: recorded, step })
  const models = options.models ?? noModels
  const model = row.model ?? agent.model
  const calls = openModelCalls(database, row, {
    clock,
    stop: context.signal,
    models,
    model,
    budget: row.budget,
    onAnswer: observed.onAnswer,
  })
  const { waits, early } = await beforeWork(clock, openStores(options, row, { stop: context.signal, event }))
  onOpen(waits, early)
  await waits.requireNews()
  const returned = await agent.run({
    ...context,
    job: jobOf(options, row),
    input,
    event,
    payload: event === null ? undefined : options.payloadOf(event),
    step,
    sleep: waits.sleep,
    waitFor: waits.waitFor,
    approval: waits.approval,
    workspace: workspaces.make,
    checkout: checkoutOf({ ...context, mirrors: options.mirrors, workspaces, facts: event?.facts, policy: row.policy }),
    publish: early.publish,
    inherited: (name) => inheritedStep(database, row, name),
    model: modelOf({ step, ...calls, ...stateOf(models, model) }),
    findings: ledgerFor(database, row.policy, options.muting),
    forge,
    now: clock.now,
  })
  context.signal.throwIfAborted()
  await early.settled()
  const { result, unchecked, findings } = readReturned(returned, options.redactor ?? byForm)
  const outputs = options.acceptOutputs(unchecked, row.policy, early.stored())
  waits.approved.requireAll(outputs)
  const hasOutputs = outputs.length > 0 || early.hasPending()
  const run = { clock, result, outputs, findings: findingsToStore(findings, row.policy) }
  // Without these the end of the job, which comes next, is what remembers the run: a commit less.
  if (hasOutputs || run.findings !== null) await insist(context.signal, () => rememberRun(database, row, run))
  return { result, hasOutputs }
}

/** What the agent waits for and publishes while it runs. */
async function openStores(
  options: AttemptOptions,
  row: JobRow,
  { stop, event }: { stop: AbortSignal; event: Event | null },
): Promise<{ waits: WaitStore; early: EarlyOutputs }> {
  const accept: EarlyParts['accept'] = (given, earlier) => options.acceptOutputs(given, row.policy, earlier)
  const early = await openEarlyOutputs(options.database, row, {
    clock: options.clock,
    stop,
    accept,
    requireAmongApproved: (outputs) => waits.approved.requireAmong(outputs),
    publishPending: () => publishOutputs(options, row, stop),
  })
  const parseOutputs = (given: unknown) => accept(given, early.stored())
  const redact = (options.redactor ?? byForm).text
  const waits = await openWaitStore(row, { ...options, parseOutputs, redact, stop, event })
  return { waits, early }
}
