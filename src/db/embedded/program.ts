// Runs one of PostgreSQL's programs, and stops it when this process ends, even by SIGKILL.
import { spawn } from 'node:child_process'
import { endWithUs } from '../../lib/end-with-us.ts'
import type { Account } from './account.ts'
import { bareEnvironment } from './account.ts'

/**
 * A running program. `exited` resolves with its exit code or the signal that ended it. After
 * `unref` it does not keep this process alive.
 */
export type Program = { exited: Promise<number | string>; kill(signal: NodeJS.Signals): void; unref(): void }

/**
 * Starts a program as the given account. It reads `input`, if any, and its output goes to the open
 * file `output`.
 */
export function runProgram(
  command: string,
  args: string[],
  options: { account: Account; output: number; input?: string },
): Program {
  const { account, output, input } = options
  const start = () =>
    spawn(command, args, {
      ...account,
      cwd: '/',
      env: bareEnvironment(),
      // A process group of its own: Ctrl-C must not stop the database before running work is done.
      detached: true,
      windowsHide: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', output, output],
    })
  // For `postgres` an interrupt is a fast shutdown.
  const child = endWithUs(start, { signal: 'INT', group: false })
  // One that ends without reading says why by its exit code.
  child.stdin?.on('error', () => {}).end(input)
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code ?? signal ?? ''))
  })
  return { exited, kill: (signal) => void child.kill(signal), unref: () => child.unref() }
}
