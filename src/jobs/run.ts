// One attempt of one job, from the claimed row to its outcome.
import type { Agent, AgentContext } from '../agents/agent.ts'
import { isAway } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import type { Event } from '../events/event.ts'
import type { ReadForge } from '../forges/forge.ts'
import { parseInput } from '../lib/agent-input.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError, errorText, GiveUp, RetryAt } from '../lib/error.ts'
import { LONGEST_TIMER_MS } from '../lib/every.ts'
import type { Activity, Log } from '../lib/log.ts'
import { noActivity } from '../lib/log.ts'
import { untilStopped } from '../lib/until-stopped.ts'
import { modelOf } from '../models/model.ts'
import type { Models } from '../models/models.ts'
import { openModels } from '../models/models.ts'
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
import type { PayloadOf } from './early-event.ts'
import { insist } from './fence.ts'
import type { JobRow, RunDetail } from './job.ts'
import { toJob } from './job.ts'
import type { JobLog } from './job-log.ts'
import { minutesLeftMs, minutesUsed, openModelCalls } from './model-calls.ts'
import { publishPending, rememberRun } from './outputs.ts'
import type { AskPermission } from './permission.ts'
import { Skipped } from './permission.ts'
import { isWaiting, outcomeOf, withoutSecrets } from './retry-policy.ts'
import { readReturned } from './returned.ts'
import type { StepStore } from './steps.ts'
import { openStepStore } from './steps.ts'
import { inheritedStep } from './supersede.ts'
import type { AskCeiling } from './trigger.ts'
import { triggerOf } from './trigger.ts'
import type { Wait } from './wait-rows.ts'
import { openWaitStore } from './waits.ts'

/** What an attempt needs from the rest of the program. */
export type RunOptions = {
  database: Database
  clock: Clock
  log: Log
  /** Says what began and how it ended. */
  activity?: Activity
  agents: ReadonlyMap<string, Agent>
  forge: ReadForge | null
  /** Where worktrees come from; without them no agent can have one. */
  mirrors?: Mirrors
  /** Asks whether those who caused a job may; without it, nothing that must be asked is done. */
  permitted?: AskPermission
  /** Asks whether a rule has made too many jobs for one to begin. Default: none has. */
  overCeiling?: AskCeiling
  /** What agents may ask. Default: none is set up. */
  models?: Models
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
  const { clock, database, log, redactor: secrets = byForm } = options
  const job = toJob(row)
  const over = new AbortController()
  const timer = startLimit(row.time_limit_ms, over, timeIsUp(row))
  const stop = AbortSignal.any([signal, over.signal])
  const workspaces = openWorkspaces(stop)
  const write = jobLog.of(row, secrets.text)
  sayStarted(options.activity ?? noActivity, row)
  let minutesTimer: NodeJS.Timeout | undefined
  let open = (): readonly Wait[] => []
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
      onWaits: (waits) => {
        open = waits
      },
      log: (line, stream) => {
        if (!stop.aborted) write(line, stream)
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
  } catch (error) {
    const waits = open()
    if (waits.length > 0 && isWaiting(error)) {
      const delayMs = Math.max(0, Math.min(...waits.map(({ leftMs }) => leftMs)))
      return { outcome: { kind: 'waiting', delayMs }, detail: { waits } }
    }
    // What was skipped says so itself: nothing of it ran.
    if (!stop.aborted && !(error instanceof Skipped)) write(stackOf(error), 'stderr')
    const { failures } = row
    const outcome = outcomeOf(error, { failures, now: clock.now(), random: options.random })
    return { outcome: withoutSecrets(outcome, secrets), detail: null }
  } finally {
    clearTimeout(timer)
    clearTimeout(minutesTimer)
    // Also ends what is left of an agent that returned: no step, line or folder after this.
    over.abort(new Error('The attempt has ended.'))
    await workspaces
      .remove()
      .catch((error: unknown) => log.warn({ err: error, job: job.id }, 'a workspace could not be removed'))
    await jobLog.flush()
  }
}

/**
 * The stack of what an agent threw, with its causes, for whoever mends it; an expected error is
 * its message.
 */
function stackOf(error: unknown): string {
  const isExpected = error instanceof AppError || error instanceof GiveUp || error instanceof RetryAt
  if (isExpected || !(error instanceof Error)) return errorText(error)
  const stack = error.stack ?? errorText(error)
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackOf(error.cause)}`
}

async function publishOutputs(options: RunOptions, row: JobRow, stop: AbortSignal): Promise<void> {
  try {
    await publishPending(options.database, row, { redactor: byForm, ...options, job: toJob(row), stop })
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
  options: RunOptions,
  row: JobRow,
  steps: StepStore,
  {
    workspaces,
    onWaits,
    ...context
  }: Pick<AgentContext<unknown>, 'log' | 'signal'> & {
    workspaces: Workspaces
    onWaits(open: () => readonly Wait[]): void
  },
): Promise<{ result: unknown; hasOutputs: boolean }> {
  if (row.ran_at !== null) return { result: row.result, hasOutputs: true }
  const { agents, clock, database, forge, acceptOutputs } = options
  const agent = agentOf(agents, row.agent)
  const input = await parseInput(agent, row.input)
  const recorded = row.event_id === null ? null : await beforeWork(clock, options.loadEvent(row.event_id))
  const { id, rule, ceiling_subject: ceilingSubject } = row
  const overCeiling = async () =>
    options.overCeiling ? beforeWork(clock, options.overCeiling({ id, rule, ceilingSubject })) : null
  const event = await triggerOf({ ...options, overCeiling }, row, { event: recorded, step: steps.step })
  const answer = openModelCalls(database, row, {
    clock,
    stop: context.signal,
    models: options.models ?? noModels,
    model: row.model ?? agent.model,
    budget: row.budget,
  })
  const waits = await beforeWork(
    clock,
    openWaitStore(row, {
      ...options,
      parseOutputs: (given) => acceptOutputs(given, row.policy),
      redact: (options.redactor ?? byForm).text,
      stop: context.signal,
      event,
    }),
  )
  onWaits(waits.open)
  await waits.requireNews()
  const returned = await agent.run({
    ...context,
    job: { id: row.id, type: row.type, rule: row.rule, attempt: row.attempt },
    input,
    event,
    payload: event === null ? undefined : options.payloadOf(event),
    step: steps.step,
    sleep: waits.sleep,
    waitFor: waits.waitFor,
    approval: waits.approval,
    workspace: workspaces.make,
    checkout: checkoutOf({ ...context, mirrors: options.mirrors, workspaces, facts: event?.facts, policy: row.policy }),
    inherited: (name) => inheritedStep(database, row, name),
    model: modelOf({ step: steps.step, answer }),
    forge,
    now: clock.now,
  })
  context.signal.throwIfAborted()
  const { result, unchecked } = readReturned(returned, options.redactor ?? byForm)
  const outputs = acceptOutputs(unchecked, row.policy)
  waits.requireApproved(outputs)
  const hasOutputs = outputs.length > 0
  // Without outputs the end of the job, which comes next, is what remembers the run: a commit less.
  if (hasOutputs) await insist(context.signal, () => rememberRun(database, row, { clock, result, outputs }))
  return { result, hasOutputs }
}

function agentOf(agents: ReadonlyMap<string, Agent>, name: string): Agent {
  const agent = agents.get(name)
  if (agent) return agent
  const known = [...agents.keys()].sort().join(', ') || 'none'
  throw new GiveUp(`There is no agent "${name}"; there are: ${known}.`)
}

/**
 * Reads what an attempt begins with. A database that is away is no failure as long as nothing was
 * done.
 */
function beforeWork<T>(clock: Clock, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw isAway(error) ? new RetryAt(clock.now(), errorText(error)) : error
  })
}
