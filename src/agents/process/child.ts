// The child's side of agents in child processes: runs the agents of a configuration, one attempt at
// a time, and says whether an attempt left anything.
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import type { Event } from '../../events/event.ts'
import { parseInput } from '../../lib/agent-input.ts'
import { requireResultSize, requireReturnedSize } from '../../lib/agent-limits.ts'
import { errorText, GiveUp, RetryAt } from '../../lib/error.ts'
import type { Agent } from '../agent.ts'
import type { Attempt } from './attempt.ts'
import { openAttempt } from './attempt.ts'
import type { Calls } from './calls.ts'
import { openCalls } from './calls.ts'
import type { Ended, Start } from './messages.ts'
import { toJsonText } from './messages.ts'
import { openOutput } from './output.ts'
import type { Thrown } from './thrown.ts'
import { fromThrown, toThrown } from './thrown.ts'

/** What the child runs. */
export type ServeOptions = {
  agents: Promise<ReadonlyMap<string, Agent>>
  payloadOf: (event: Event) => unknown
}

const MAX_TURNS = 5
// What V8 itself calls its limit has space for young objects in it, which take no part in this.
const HEAP_BYTES = Number(/--max-old-space-size=(\d+)/.exec(process.execArgv.join(' '))?.[1] ?? 512) * 1024 * 1024
// Between two looks whether the configuration can be loaded again.
const CHANGED_PAUSE_MS = 20_000

/** Serves the process that started this one, until that ends it or is gone. */
export function serveAgents({ agents, payloadOf }: ServeOptions): void {
  const attempts = new AsyncLocalStorage<Attempt>()
  const folder = workingFolder()
  let current: Attempt | null = null
  let hasFailed = false
  let hasSpawned = false
  subscribe('child_process', () => {
    hasSpawned = true
  })
  // Each attempt fails by it.
  agents.catch(() => {})

  const run = async (name: string, start: Start): Promise<Ended> => {
    const attempt = openAttempt(calls, output, start)
    current = attempt
    hasSpawned = false
    output.reset()
    const agent = await agentOf(agents, name)
    // It may have been stopped while the configuration was loaded.
    attempt.context.signal.throwIfAborted()
    const resources = process.getActiveResourcesInfo()
    const payload = start.event === null ? undefined : payloadOf(start.event)
    const ended = await attempts.run(attempt, () =>
      outcomeOf(agent, { ...attempt.context, input: start.input, payload }),
    )
    attempt.end()
    // A rejection that nobody handles comes with the next turn; the end of what was closed, such as
    // a program's, takes a few.
    await nextTurn()
    for (let turn = 1; turn < MAX_TURNS && hasMore(resources); turn++) await nextTurn()
    const isClean =
      !hasFailed && calls.pending() === 0 && !hasMore(resources) && hasSpace() && workingFolder() === folder
    current = null
    return { ...ended, isClean, hasSpawned }
  }
  const calls: Calls = openCalls((message) => void process.send?.(message, undefined, undefined, () => {}), {
    run,
    runStep: (id: number) => current?.runStep(id),
    abort: (reason: Thrown) => current?.abort(fromThrown(reason)),
  })
  const output = openOutput(calls.notify)
  const fail = (error: unknown, what: string) => {
    hasFailed = true
    const attempt = attempts.getStore() ?? current
    // What an earlier attempt left does not end this one.
    calls.notify(attempt === current ? 'failed' : 'leftover', toThrown(error), what)
  }
  process.on('unhandledRejection', (error) => fail(error, 'an unhandled rejection'))
  process.on('uncaughtException', (error) => fail(error, 'an uncaught exception'))
  process.on('disconnect', () => process.exit())
  process.on('message', calls.receive)
}

async function agentOf(agents: Promise<ReadonlyMap<string, Agent>>, name: string): Promise<Agent> {
  const known = await agents.catch((error: unknown) => {
    const reason = `The configuration cannot be loaded in the agent's process: ${errorText(error)}`
    throw notNow(reason)
  })
  const agent = known.get(name)
  if (agent === undefined) throw notNow(`The configuration has changed: there is no agent "${name}" in it any more.`)
  return agent
}

/** A file that somebody is changing is no fault of the agent's. */
function notNow(reason: string): RetryAt {
  return new RetryAt(new Date(Date.now() + CHANGED_PAUSE_MS), reason)
}

/** Whether what an attempt has left in memory is not what the next one would fail by. */
function hasSpace(): boolean {
  return getHeapStatistics().used_heap_size < HEAP_BYTES / 2
}

/** Null when an attempt has removed it. */
function workingFolder(): string | null {
  try {
    return process.cwd()
  } catch {
    return null
  }
}

type Outcome = Ended extends infer One ? (One extends unknown ? Omit<One, 'isClean' | 'hasSpawned'> : never) : never

async function outcomeOf(agent: Agent, context: Parameters<Agent['run']>[0]): Promise<Outcome> {
  try {
    const returned: unknown = await agent.run({ ...context, input: await parseInput(agent, context.input) })
    if (typeof returned !== 'object' || returned === null || !('result' in returned)) return copied(returned, null)
    const { result, ...others } = returned
    const json = toJsonText(result)
    if ('text' in json) requireResultSize(json.text ?? '')
    return copied(others, json)
  } catch (error) {
    return { thrown: toThrown(error) }
  }
}

/** @throws GiveUp when it is not data, or too much: the same agent would return it again. */
function copied(returned: unknown, result: Extract<Outcome, { returned: unknown }>['result']): Outcome {
  try {
    const copy: unknown = structuredClone(returned)
    requireReturnedSize(JSON.stringify(copy) ?? '')
    return { returned: copy, result }
  } catch (error) {
    if (error instanceof GiveUp) throw error
    throw new GiveUp(`What the agent returned is not data: ${errorText(error)}`)
  }
}

/** Whether anything that keeps a process alive has come since `before`. */
function hasMore(before: readonly string[]): boolean {
  const counts = new Map<string, number>()
  for (const one of process.getActiveResourcesInfo()) counts.set(one, (counts.get(one) ?? 0) + 1)
  for (const one of before) counts.set(one, (counts.get(one) ?? 0) - 1)
  return [...counts.values()].some((count) => count > 0)
}
