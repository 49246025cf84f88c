// A child process that can be ended with everything it started.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** How a process ended. */
type Exit = { code: number | null; signal: NodeJS.Signals | null }

/** A running child, the leader of a process group of its own. */
export type ProcessGroup = {
  stdin: Writable
  stdout: Readable
  stderr: Readable
  /** File descriptor 3 of the child. */
  third: Readable
  /**
   * Settles when the child has ended; its group is gone then. Rejects when it could not be started.
   */
  exit: Promise<Exit>
}

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5000
/** How long a descendant that left the group may keep the pipes open. */
const PIPES_MS = 1000

const running = new Set<ChildProcess>()
// After a second Ctrl-C, or a drain too short for a program that ignores SIGTERM, nothing may go on
// without this process.
process.on('exit', () => {
  for (const child of running) killGroup(child, 'SIGKILL')
})

/**
 * Starts a program in its own process group, which gets SIGTERM when `signal` aborts, SIGKILL
 * `graceMs` later, and SIGKILL again when its leader has ended, or this process exits, so that
 * nothing it started lives on (a process that makes a session of its own with `setsid` escapes).
 */
export function startProcessGroup(
  argv: readonly [string, ...string[]],
  options: { cwd: string; env: Record<string, string>; signal: AbortSignal; graceMs?: number | undefined },
): ProcessGroup {
  const [file, ...args] = argv
  const { cwd, env, signal, graceMs = GRACE_MS } = options
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
  const [stdin, stdout, stderr, third] = child.stdio
  if (stdin === null || !stdout || !stderr || !third) throw new Error('The child process has no pipes.')
  let killer: NodeJS.Timeout | undefined
  const stop = () => {
    killGroup(child, 'SIGTERM')
    killer = setTimeout(() => killGroup(child, 'SIGKILL'), graceMs)
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  running.add(child)
  const exit = exitOf(child).finally(() => {
    running.delete(child)
    clearTimeout(killer)
    signal.removeEventListener('abort', stop)
  })
  return { stdin, stdout, stderr, third: third as Readable, exit }
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => {
      killGroup(child, 'SIGKILL')
      const close = setTimeout(() => {
        for (const pipe of child.stdio) pipe?.destroy()
      }, PIPES_MS)
      child.once('close', () => clearTimeout(close))
    })
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: all of it has ended. EPERM: what is left belongs to others (so macOS says of zombies).
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}
