// A child process that runs agents, as the service sees it: what ends it ends only its attempt.

import type { ChildProcess } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ReadForge } from '../../forges/forge.ts'
import { READS } from '../../forges/read-only.ts'
import type { ApprovalOptions } from '../../jobs/approval.ts'
import type { WaitOptions } from '../../jobs/wanted.ts'
import { loggable } from '../../lib/agent-limits.ts'
import { AgentDied, errorText } from '../../lib/error.ts'
import type { Log } from '../../lib/log.ts'
import type { LogStream } from '../../lib/log-line.ts'
import { readFields } from '../../lib/log-line.ts'
import type { ModelRequest } from '../../models/request.ts'
import type { Output } from '../../publisher/output.ts'
import type { CheckoutOptions } from '../../workspaces/checkout.ts'
import type { AgentContext, AgentResult, PublishEarlyOptions } from '../agent.ts'
import type { Exit } from '../group-leader.ts'
import { MAX_GRACE_MS, startGroupLeader } from '../group-leader.ts'
import type { LineWriter } from '../lines.ts'
import { writeLines } from '../lines.ts'
import type { Calls, Handlers } from './calls.ts'
import { openCalls } from './calls.ts'
import type { Ended, JsonText, Start } from './messages.ts'
import { fromJsonText, LEDGER_METHODS } from './messages.ts'
import type { Thrown } from './thrown.ts'
import { fromThrown, toThrown } from './thrown.ts'

/** How a child process is started. */
export type AgentProcessOptions = {
  /** The script that serves agents, and its arguments. */
  script: readonly [string, ...string[]]
  env: NodeJS.ProcessEnv
  /** The largest heap of one child. */
  memoryMb: number
  /** Between aborting the agent's signal and SIGKILL. Default `MAX_GRACE_MS`. */
  graceMs?: number
  log: Log
}

/** A child process. */
export type AgentProcess = {
  /** Makes one attempt; one at a time. */
  run(agent: string, context: AgentContext<unknown>): Promise<AgentResult>
  /** Whether it can run another attempt: it is alive, and the last one left nothing. */
  isReusable(): boolean
  /** Kills it, with all it has started. */
  end(): void
  ended: Promise<unknown>
}

type Current = { context: AgentContext<unknown>; stdout: LineWriter; stderr: LineWriter }

const OUTPUTS = ['stdout', 'stderr'] as const

/** Starts a child process. */
export function startAgentProcess(options: AgentProcessOptions): AgentProcess {
  const { script, env, memoryMb, graceMs = MAX_GRACE_MS, log } = options
  const argv = [process.execPath, ...nodeFlags(script[0]), `--max-old-space-size=${memoryMb}`, ...script] as const
  const leader = startGroupLeader(argv, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' })
  const { child } = leader
  let current: Current | null = null
  let isClean = true
  const end = () => leader.kill('SIGKILL')
  const die = (reason: Error) => {
    isClean = false
    calls.close(reason)
    end()
  }
  const calls: Calls = openCalls((message) => void child.send(message, () => {}), {
    ...contextHandlers(
      () => current,
      (id) => calls.call('runStep', id) as Promise<JsonText>,
    ),
    leftover(thrown: Thrown, what: string) {
      isClean = false
      log.warn({ err: fromThrown(thrown) }, `${what} came from an attempt of an agent that had ended`)
    },
    failed(thrown: Thrown, what: string) {
      const cause = fromThrown(thrown)
      die(new Error(`The attempt was ended by ${what}: ${errorText(cause)}`, { cause }))
    },
  })
  child.on('message', (message: unknown) => {
    if (calls.receive(message)) return
    current?.context.log('The agent called process.send with a message that is not for Signalbox; it was ignored.')
  })
  const lastError = readOutput(child, (stream, text) => current?.[stream].write(text))
  const ended = leader.exit.then((exit) => die(new AgentDied(reasonOf(exit, lastError(), memoryMb))), die)

  return {
    async run(agent, context) {
      const { job, input, event, forge, model, signal } = context
      const { name, problem } = model
      const start: Start = { job, input, event, hasForge: forge !== null, model: { name, problem } }
      const one = { context, stdout: linesOf(context, 'stdout'), stderr: linesOf(context, 'stderr') }
      current = one
      // Until the child has said otherwise.
      isClean = false
      const release = onAbort(signal, () => {
        calls.notify('abort', toThrown(signal.reason))
        const killer = setTimeout(end, graceMs)
        return () => clearTimeout(killer)
      })
      try {
        const outcome = (await calls.call('run', agent, start)) as Ended
        isClean = outcome.isClean && !signal.aborted && !(outcome.hasSpawned && leader.hasStarted())
        return resultOf(outcome)
      } finally {
        release()
        // What its programs printed came in this turn at the latest.
        await nextTurn()
        for (const stream of OUTPUTS) one[stream].end()
        current = null
      }
    },
    isReusable: () => isClean && child.connected,
    end,
    ended,
  }
}

/** What the child may ask of the attempt that it runs. */
function contextHandlers(current: () => Current | null, runStep: (id: number) => Promise<JsonText>): Handlers {
  return {
    step: (id: number, name: string) => current()?.context.step(name, async () => fromJsonText(await runStep(id))),
    sleep: (name: string, until: number | Date) => current()?.context.sleep(name, until),
    waitFor: (name: string, options: WaitOptions) => current()?.context.waitFor(name, options),
    approval: (name: string, options: ApprovalOptions) => current()?.context.approval(name, options),
    publish: (name: string, outputs: readonly Output[], options: PublishEarlyOptions | undefined) =>
      current()?.context.publish(name, outputs, options),
    inherited: (name: string) => current()?.context.inherited(name),
    workspace: () => current()?.context.workspace(),
    checkout: (options: CheckoutOptions | undefined) => current()?.context.checkout(options),
    // The key stays here: only what is asked and answered crosses.
    model: (request: ModelRequest) => current()?.context.model.answer(request),
    modelUsed: () => current()?.context.model.used(),
    async forge(method: keyof ReadForge, args: never[]) {
      const forge = current()?.context.forge
      if (!forge || !READS.includes(method)) throw new Error(`A forge has no method "${method}" for agents.`)
      return (forge[method] as (...given: never[]) => unknown)(...args)
    },
    async findings(method: (typeof LEDGER_METHODS)[number], args: never[]) {
      const findings = current()?.context.findings
      if (!findings || !LEDGER_METHODS.includes(method)) throw new Error(`Findings have no method "${method}".`)
      return (findings[method] as (...given: never[]) => unknown)(...args)
    },
    log: (line: string, stream: LogStream | undefined, fields: unknown) =>
      current()?.context.log(line, readFields(fields) ?? stream),
    print: (text: string, stream: 'stdout' | 'stderr') => current()?.[stream].write(loggable(text)),
  }
}

function linesOf({ log }: AgentContext<unknown>, stream: 'stdout' | 'stderr'): LineWriter {
  return writeLines((line) => log(line, stream))
}

/** Calls `stop` when the signal aborts; returns what undoes both. */
function onAbort(signal: AbortSignal, stop: () => () => void): () => void {
  let undo = () => {}
  const listener = () => {
    undo = stop()
  }
  signal.addEventListener('abort', listener, { once: true })
  return () => {
    signal.removeEventListener('abort', listener)
    undo()
  }
}

function resultOf(outcome: Ended): AgentResult {
  if ('thrown' in outcome) throw fromThrown(outcome.thrown)
  const { returned, result } = outcome
  return (result === null ? returned : { ...(returned as object), result: fromJsonText(result) }) as AgentResult
}

/**
 * Reads what Node.js itself prints, and what programs of the agent do; returns what gives the last
 * of standard error.
 */
function readOutput(child: ChildProcess, onText: (stream: 'stdout' | 'stderr', text: string) => void): () => string {
  let lastError = ''
  for (const stream of OUTPUTS) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      if (stream === 'stderr') lastError = (lastError + text).slice(-MAX_LAST_ERROR_CHARS)
      onText(stream, text)
    })
  }
  return () => lastError
}

const MAX_LAST_ERROR_CHARS = 10_000

function reasonOf({ code, signal }: Exit, lastError: string, memoryMb: number): string {
  if (lastError.includes('JavaScript heap out of memory')) {
    return `The agent was out of memory (limit ${memoryMb} MB, set by AGENT_MEMORY_MB).`
  }
  if (code !== null) return `The agent ended its process with exit code ${code}.`
  const hint = signal === 'SIGKILL' ? ', as the system does when memory is short' : ''
  return `The agent's process was ended by ${signal}${hint}.`
}

// Neither a debugger's port, nor the service's own heap, nor a file with its secrets; with a value
// of its own or in the next word.
const OWN_FLAG = /^--(inspect|env-file|(max|min|initial)-[a-z-]+-size)/
const EVALUATION = /^(-e|-p|-pe|--eval|--print)$/

/** The flags that this process was started with, as far as they concern a child. */
function nodeFlags(script: string): string[] {
  const unbuilt = script.endsWith('.ts')
    ? ['--conditions=signalbox-source', '--disable-warning=ExperimentalWarning']
    : []
  // With a program among the flags the child would run that one again.
  if (process.execArgv.some((flag) => EVALUATION.test(flag))) return unbuilt
  const isOwn = (word: string, before: string) =>
    OWN_FLAG.test(word) || (!word.startsWith('-') && OWN_FLAG.test(before) && !before.includes('='))
  return [...process.execArgv.filter((word, i, all) => !isOwn(word, all[i - 1] ?? '')), ...unbuilt]
}
