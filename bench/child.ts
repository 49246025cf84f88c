// Processes under measurement: started, asked over IPC, and ended by their process id in any case.
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CAN_PIN, MEASURED_CORE } from './machine.ts'

/** A running process. */
export type Process = { pid: number; close(): Promise<void> }

/** A running script of the benchmarks. `ask` sends a message and resolves to the answer. */
export type Child = Process & { ask<Answer>(message: object): Promise<Answer>; ready: Record<string, unknown> }

type Launch = {
  command: readonly string[]
  env?: Record<string, string> | undefined
  cwd?: string | undefined
  /** Whether it runs alone on the measured core. Default true. */
  measured?: boolean | undefined
  stdio: StdioOptions
}

const KILL_AFTER_MS = 10_000
const START_LIMIT_MS = 30_000
const KEPT_OUTPUT_CHARS = 4000
const running = new Set<ChildProcess>()

// The last resort: what still runs when this process exits is killed with it.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a script of the benchmarks and waits until it says that it is ready. */
export async function startScript(options: {
  script: string
  env?: Record<string, string>
  args?: readonly string[]
  flags?: readonly string[]
  measured?: boolean
}): Promise<Child> {
  const { script, env, args = [], flags = [], measured } = options
  const command = [process.execPath, '--conditions=signalbox-source', ...flags, script, ...args]
  const launched = launch({ command, env, measured, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const { child } = launched
  async function next<Answer>(): Promise<Answer> {
    const [answer] = (await Promise.race([once(child, 'message'), launched.died])) as [{ failed?: string }]
    if (answer.failed !== undefined) throw new Error(`${script}: ${answer.failed}`)
    return answer as Answer
  }
  const ready = await next<Record<string, unknown>>()
  return {
    pid: child.pid ?? 0,
    ready,
    ask: (message) => {
      child.send(message)
      return next()
    },
    close: () => end(child),
  }
}

/**
 * Starts a program and waits until its standard output matches; `match` is what was found there.
 */
export async function startProgram(options: {
  command: readonly string[]
  until: RegExp
  env?: Record<string, string>
  cwd?: string
  measured?: boolean
}): Promise<Process & { match: RegExpExecArray }> {
  const { until, ...rest } = options
  const { child, died } = launch({ ...rest, stdio: ['ignore', 'pipe', 'pipe'] })
  const found = new Promise<RegExpExecArray>((resolve, reject) => {
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT_CHARS)
      const match = until.exec(output)
      if (match) resolve(match)
    })
    const late = () => reject(new Error(`${options.command.join(' ')} did not start in ${START_LIMIT_MS} ms.`))
    setTimeout(late, START_LIMIT_MS).unref()
  })
  found.catch(() => undefined)
  return { pid: child.pid ?? 0, match: await Promise.race([found, died]), close: () => end(child) }
}

/** Starts a process; `died` rejects with what it wrote to standard error. */
function launch({ command, env = {}, cwd, measured = true, stdio }: Launch) {
  const [program = '', ...args] = measured && CAN_PIN ? ['taskset', '-c', MEASURED_CORE, ...command] : command
  const child = spawn(program, args, {
    stdio,
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', NODE_NO_WARNINGS: '1', ...env },
  })
  running.add(child)
  let output = ''
  child.stderr?.on('data', (chunk) => {
    output = (output + chunk).slice(-KEPT_OUTPUT_CHARS)
  })
  const died = new Promise<never>((_, reject) => {
    child.once('exit', (code, signal) => {
      running.delete(child)
      reject(new Error(`${command.join(' ')} ended (${code ?? signal}):\n${output}`))
    })
    child.once('error', reject)
  })
  died.catch(() => undefined)
  return { child, died }
}

async function end(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return
  const late = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
  const exited = once(child, 'exit')
  if (child.connected) child.disconnect()
  child.kill('SIGTERM')
  await exited
  clearTimeout(late)
}
