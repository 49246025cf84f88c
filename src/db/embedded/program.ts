// Runs one of PostgreSQL's programs so that it never outlives us by much.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Account } from './account.ts'
import { bareEnvironment } from './account.ts'

/**
 * A running program; `exited` gives its exit code or the signal that ended it. After `unref` it
 * does not keep this process alive.
 */
export type Program = { exited: Promise<number | string>; kill(signal: NodeJS.Signals): void; unref(): void }

// The watcher waits on a pipe that we hold open: a line means "done", the end of the pipe that we
// were killed, and then it interrupts the program (for `postgres` a fast shutdown). It is started
// in a shell of its own, because a postmaster must not find a child it does not know. After `exec`
// the shell's process id, $$, is the program's.
const GUARD = '( (read -r _ <&3 || kill -INT $$) >/dev/null 2>&1 & ); exec "$0" "$@" 3<&-'
const SHELL = '/bin/sh'

/** Starts a program as the given account, its output going to the open file `output`. */
export function runProgram(command: string, args: string[], options: { account: Account; output: number }): Program {
  const { account, output } = options
  const guarded = existsSync(SHELL)
  const child = spawn(guarded ? SHELL : command, guarded ? ['-c', GUARD, command, ...args] : args, {
    ...account,
    cwd: '/',
    env: bareEnvironment(),
    // A process group of its own, or Ctrl-C would stop the database before we have drained.
    detached: true,
    windowsHide: true,
    stdio: ['ignore', output, output, 'pipe'],
  })
  const guard = child.stdio[3] as Socket | null
  guard?.on('error', () => {})
  guard?.unref()
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => {
      guard?.end('\n')
      resolve(code ?? signal ?? '')
    })
  })
  return { exited, kill: (signal) => void child.kill(signal), unref: () => child.unref() }
}
