// The program of a `command` agent: its pipes, and how it is stopped.
import type { Readable, Writable } from 'node:stream'
import type { Exit } from '../group-leader.ts'
import { MAX_GRACE_MS, startGroupLeader } from '../group-leader.ts'

/** A running program, the leader of a process group of its own. */
export type ProcessGroup = {
  stdin: Writable
  stdout: Readable
  stderr: Readable
  /** File descriptor 3 of the child. */
  third: Readable
  /** As of the leader of a group. */
  exit: Promise<Exit>
}

/**
 * Starts a program in its own process group, which gets SIGTERM when `signal` aborts, and SIGKILL
 * `graceMs` later.
 */
export function startProcessGroup(
  argv: readonly [string, ...string[]],
  options: { cwd: string; env: Record<string, string>; signal: AbortSignal; graceMs?: number | undefined },
): ProcessGroup {
  const { cwd, env, signal, graceMs = MAX_GRACE_MS } = options
  const leader = startGroupLeader(argv, { cwd, env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
  const [stdin, stdout, stderr, third] = leader.child.stdio
  if (!stdin || !stdout || !stderr || !third) throw new Error('The child process has no pipes.')
  let killer: NodeJS.Timeout | undefined
  const stop = () => {
    leader.kill('SIGTERM')
    killer = setTimeout(() => leader.kill('SIGKILL'), graceMs)
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const exit = leader.exit.finally(() => {
    clearTimeout(killer)
    signal.removeEventListener('abort', stop)
  })
  return { stdin, stdout, stderr, third: third as Readable, exit }
}
