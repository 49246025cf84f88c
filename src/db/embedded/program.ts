// Runs one of PostgreSQL's programs, and stops it when this process ends, even by SIGKILL.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Account } from './account.ts'
import { bareEnvironment } from './account.ts'

/**
 * A running program. `exited` resolves with its exit code or the signal that ended it. After
 * `unref` it does not keep this process alive.
 */
export type Program = { exited: Promise<number | string>; kill(signal: NodeJS.Signals): void; unref(): void }

// A watcher reads from a pipe that this process keeps open. A line means that the program has
// ended; the end of the pipe means that this process has, and then the watcher interrupts the
// program (for `postgres` that is a fast shutdown). The watcher's parent is a shell that ends at
// once, because a postmaster must not find a child it did not start. After `exec` the shell's
// process id, $$, is the program's.
const RUN_WATCHED = '( (read -r _ <&3 || kill -INT $$) >/dev/null 2>&1 & ); exec "$0" "$@" 3<&-'
const SHELL = '/bin/sh'

/** Starts a program as the given account. Its output goes to the open file `output`. */
export function runProgram(command: string, args: string[], options: { account: Account; output: number }): Program {
  const { account, output } = options
  const isWatched = existsSync(SHELL)
  const child = spawn(isWatched ? SHELL : command, isWatched ? ['-c', RUN_WATCHED, command, ...args] : args, {
    ...account,
    cwd: '/',
    env: bareEnvironment(),
    // A process group of its own: Ctrl-C must not stop the database before running work is done.
    detached: true,
    windowsHide: true,
    stdio: ['ignore', output, output, 'pipe'],
  })
  const watcher = child.stdio[3] as Socket | null
  watcher?.on('error', () => {})
  watcher?.unref()
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => {
      watcher?.end('\n')
      resolve(code ?? signal ?? '')
    })
  })
  return { exited, kill: (signal) => void child.kill(signal), unref: () => child.unref() }
}
