// Running the real command line as a process of its own, as an operator would.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SIGNALBOX = `${ROOT}bin/signalbox`

export type Running = {
  child: ChildProcess
  /** Everything it printed so far, both streams. */
  output(): string
  /**
   * Resolves with the first match in what it prints; rejects with all it printed when it ends
   * before.
   */
  prints(pattern: RegExp): Promise<RegExpExecArray>
  exited: Promise<number | string>
  kill(signal: NodeJS.Signals): Promise<number | string>
}

/**
 * Starts `bin/signalbox` with these arguments. The environment is bare: nothing of the tester's
 * settings gets in.
 */
export function run(args: string[], options: { cwd: string; env?: Record<string, string>; command?: string }): Running {
  const child = spawn(options.command ?? SIGNALBOX, args, {
    cwd: options.cwd,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: options.cwd,
      TMPDIR: process.env.TMPDIR ?? '/tmp',
      LANG: 'C.UTF-8',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (const tell of listeners) tell()
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
