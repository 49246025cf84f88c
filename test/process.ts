// Runs the command line as a process of its own, as an operator does.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SIGNALBOX = `${ROOT}bin/signalbox`

/**
 * What the tests' processes compile, kept between tests and between runs, as starting a process is
 * most of what such a test costs. Node writes each file at once, so that several may share it.
 */
export const COMPILED = `${ROOT}node_modules/.cache/signalbox-node`

/** A running process. */
export type Running = {
  child: ChildProcess
  /** Everything it has printed so far, on both streams. */
  output(): string
  /** Resolves with the first match in what it prints; rejects with all of it when it ends first. */
  prints(pattern: RegExp): Promise<RegExpExecArray>
  /** Resolves with its exit code, or with the signal that ended it. */
  exited: Promise<number | string>
  kill(signal: NodeJS.Signals): Promise<number | string>
}

/** Starts `bin/signalbox`, or another command, without the environment of the tests. */
export function run(args: string[], options: { cwd: string; env?: Record<string, string>; command?: string }): Running {
  const child = spawn(options.command ?? SIGNALBOX, args, {
    cwd: options.cwd,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: options.cwd,
      TMPDIR: process.env.TMPDIR ?? '/tmp',
      LANG: 'C.UTF-8',
      NODE_COMPILE_CACHE: COMPILED,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (const notify of listeners) notify()
    })
  }
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  return {
    child,
    output: () => text,
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text)
          if (match === null) return
          listeners.delete(look)
          resolve(match)
        }
        listeners.add(look)
        look()
        void exited.then((code) => reject(new Error(`ended with ${code} before it printed ${pattern}:\n${text}`)))
      }),
    exited,
    async kill(signal) {
      child.kill(signal)
      return exited
    },
  }
}

/** A script of the tests that serves, as a process of its own, and its address. */
export type Service = { child: ChildProcess; url: string }

/** Starts a script with these options as JSON; resolves when it has sent its address. */
export async function startService(script: string, options: object): Promise<Service> {
  const flags = ['--conditions=signalbox-source', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, script, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
  })
  const [{ url }] = await once(child, 'message')
  return { child, url }
}

/** Ends it by SIGKILL, unless it has ended, and waits until it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** Whether a process runs; one that has ended and is only waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync('/proc/self/stat') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Whether a process of the machine has this among its arguments; where there is a /proc. */
export function isRunningProgram(argument: string): boolean {
  return readdirSync('/proc').some((id) => {
    try {
      return /^\d+$/.test(id) && readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0').includes(argument)
    } catch {
      return false
    }
  })
}
