// One try of one job, from the claimed row to its outcome.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import type { Agent, AgentContext } from '../agents/agent.ts'
import { isAway } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import type { Event } from '../events/event.ts'
import type { ReadForge } from '../forges/forge.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText, GiveUp, RetryAt } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import type { Output } from '../publisher/output.ts'
import type { Outcome } from '../queue/table.ts'
import type { Job, JobRow, Publish } from './job.ts'
import { toJob } from './job.ts'
import type { JobLog } from './job-log.ts'
import { publishPending, RUN, rememberRun } from './outputs.ts'
import { outcomeOf } from './retry-policy.ts'
import type { Memory } from './steps.ts'
import { openMemory, toJson } from './steps.ts'

/** What a try needs from the rest of the house. */
export type RunOptions = {
  database: Database
  clock: Clock
  log: Log
  agents: ReadonlyMap<string, Agent>
  forge: ReadForge | null
  publish: Publish
  /**
   * Checks what an agent wants written.
   * @throws GiveUp when it is not valid.
   */
  parseOutputs: (outputs: unknown) => readonly Output[]
  loadEvent: (id: string) => Promise<Event | null>
  /** An event's body as JSON; undefined if it is none. */
  payloadOf: (event: Event) => unknown | Promise<unknown>
  /** Told when a try begins; what it throws is logged and changes nothing. */
  onStarted?: (job: Job) => Promise<void>
  /** In [0, 1): the jitter of back-offs. */
  random?: () => number
  /** What a stopped agent may take to end. Default 6 s: a `command` gives its program 5. */
  stopGraceMs?: number
}

const STOP_GRACE_MS = 6000

function agentOf(agents: ReadonlyMap<string, Agent>, name: string): Agent {
  const agent = agents.get(name)
  if (agent) return agent
  const known = [...agents.keys()].sort().join(', ') || 'none'
  throw new GiveUp(`There is no agent "${name}"; there are: ${known}.`)
}

async function parseInput(agent: Agent, input: unknown): Promise<unknown> {
  const parsed = await agent.input.safeParseAsync(input)
  if (parsed.success) return parsed.data
  const say = (issue: z.core.$ZodIssue) => `${issue.path.join('.') || 'input'}: ${issue.message}`
  throw new GiveUp(`The input of agent "${agent.name}" is not valid: ${parsed.error.issues.map(say).join('; ')}`)
}

/**
 * Reads what a try begins with. A database that is away uses up no attempt as long as nothing was
 * done.
 */
function beforeWork<T>(clock: Clock, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw isAway(error) ? new RetryAt(clock.now(), errorText(error)) : error
  })
}

/**
 * Gives the work `graceMs` to end once `stop` is aborted, because its slot and its group are free
 * after that: a program that is still being ended must not meet the next one. An agent that ignores
 * its signal does not keep them longer.
 */
async function untilStopped<T>(stop: AbortSignal, graceMs: number, work: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const begin = () => {
    timer = setTimeout(() => stopped.reject(stop.reason), graceMs)
  }
  stop.addEventListener('abort', begin)
  if (stop.aborted) begin()
  try {
    return await Promise.race([work, stopped.promise])
  } catch (error) {
    // What an agent throws while it is being stopped says less than why it was.
    throw stop.aborted ? stop.reason : error
  } finally {
    stop.removeEventListener('abort', begin)
    clearTimeout(timer)
    // Only one of the two is waited for; the other must not be an unhandled rejection.
    work.catch(() => {})
  }
}

/** The folders of one try. */
function openWorkspaces(stop: AbortSignal) {
  const folders: string[] = []
  return {
    async make(): Promise<string> {
      stop.throwIfAborted()
      const folder = await mkdtemp(join(tmpdir(), 'signalbox-job-'))
      folders.push(folder)
      return folder
    },
    // A process the agent left behind may still write there.
    remove: (): Promise<unknown> =>
      Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 3 }))),
  }
}

/**
 * Runs the agent, unless an earlier try did, and remembers what it gave back; gives the job's
 * result and whether it left outputs.
 */
async function runAgent(
  options: RunOptions,
  row: JobRow,
  memory: Memory,
  context: Pick<AgentContext<unknown>, 'log' | 'signal' | 'workspace'>,
): Promise<{ result: unknown; hasOutputs: boolean }> {
  const { agents, clock, database, forge } = options
  const agent = agentOf(agents, row.agent)
  if (memory.has(RUN)) return { result: memory.get(RUN), hasOutputs: true }
  const input = await parseInput(agent, row.input)
  const event = row.event_id === null ? null : await beforeWork(clock, options.loadEvent(row.event_id))
  const answer = await agent.run({
    ...context,
    job: { id: row.id, type: row.type, rule: row.rule, attempt: row.attempt },
    input,
    event,
    payload: event === null ? undefined : await options.payloadOf(event),
    step: memory.step,
    forge,
    now: clock.now,
  })
  context.signal.throwIfAborted()
  // Without outputs the end of the job, which comes next, is the memory.
  const outputs = options.parseOutputs(answer.outputs ?? [])
  const hasOutputs = outputs.length > 0
  if (hasOutputs) await rememberRun(database, clock, holdOf(row), { ...answer, outputs })
  return { result: answer.result, hasOutputs }
}

function holdOf({ id, attempt, owner }: JobRow) {
  return { id, attempt, owner }
}

/**
 * Does one try of a job. Never throws: what went wrong is in the outcome, as policy.ts reads it.
 */
export async function runJob(options: RunOptions, jobLog: JobLog, row: JobRow, signal: AbortSignal): Promise<Outcome> {
  const { clock, database, log } = options
  const job = toJob(row)
  const over = new AbortController()
  const seconds = row.time_limit_ms / 1000
  const timer = setTimeout(
    () => over.abort(new Error(`time limit of ${seconds} s exceeded`)),
    Math.min(row.time_limit_ms, 2 ** 31 - 1),
  )
  const stop = AbortSignal.any([signal, over.signal])
  const workspaces = openWorkspaces(stop)
  const write = jobLog.of(row)
  const work = async (): Promise<Outcome> => {
    await options.onStarted?.(job).catch((error: unknown) => log.error({ err: error, job: job.id }, 'onStarted failed'))
    const memory = await beforeWork(clock, openMemory(database, clock, holdOf(row), stop))
    const { result, hasOutputs } = await runAgent(options, row, memory, {
      signal: stop,
      workspace: workspaces.make,
      log: (line, stream) => {
        if (!stop.aborted) write(line, stream)
      },
    })
    toJson(result, 'The result')
    const { publish } = options
    if (hasOutputs) await publishPending(database, clock, holdOf(row), { job, publish, step: memory.step, stop })
    return { kind: 'completed', result }
  }
  try {
    return await untilStopped(stop, options.stopGraceMs ?? STOP_GRACE_MS, work())
  } catch (error) {
    log.info({ job: job.id, agent: job.agent, attempt: job.attempt, error: errorText(error) }, 'a try failed')
    return outcomeOf(error, { attempt: row.attempt, now: clock.now(), random: options.random })
  } finally {
    clearTimeout(timer)
    // Also ends what is left of an agent that returned: no step, line or folder after this.
    over.abort(new Error('the try has ended'))
    await workspaces
      .remove()
      .catch((error: unknown) => log.warn({ err: error, job: job.id }, 'a workspace stays behind'))
    await jobLog.flush()
  }
}
