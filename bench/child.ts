// Processes under measurement: started, spoken to over IPC, and ended by their process id whatever happens.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CAN_PIN, MEASURED_CORE } from './machine.ts'

/** A running child. `ask` sends a message and gives the answer. */
export type Child = { pid: number; ask<Answer>(message: object): Promise<Answer>; close(): Promise<void> }

const KILL_AFTER_MS = 10_000
const KEPT_OUTPUT_CHARS = 4000
const running = new Set<ChildProcess>()

// The last resort: what is still there when this process goes is killed with it.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

const end = async (child: ChildProcess): Promise<void> => {
  if (!running.has(child)) return
  const late = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
  const exited = once(child, 'exit')
  if (child.connected) child.disconnect()
  child.kill('SIGTERM')
  await exited
  clearTimeout(late)
}

/** Starts a script on the measured core (or beside it) and waits until it says it is ready. It ends with this process. */
export const startChild = async (options: {
  script: string
  env?: Record<string, string>
  args?: string[]
  nodeFlags?: string[]
  measured?: boolean
}): Promise<Child & { ready: Record<string, unknown> }> => {
  const { script, env = {}, args = [], nodeFlags = [], measured = true } = options
  const node = [process.execPath, '--conditions=signalbox-source', ...nodeFlags, script, ...args]
  const [command = '', ...rest] = measured && CAN_PIN ? ['taskset', '-c', MEASURED_CORE, ...node] : node
  const child = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
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
      reject(new Error(`${script} ended (${code ?? signal}):\n${output}`))
    })
  })
  died.catch(() => undefined)
  const next = async <Answer>(): Promise<Answer> => {
    const [answer] = (await Promise.race([once(child, 'message'), died])) as [{ failed?: string }]
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
