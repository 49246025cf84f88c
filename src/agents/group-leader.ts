// A child process that leads a process group of its own: all of it ends with the leader, and with
// this process.
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { endWithUs, hasEndedWithLease } from '../lib/end-with-us.ts'
import { RetryAt } from '../lib/error.ts'
import { LEASE_MS, leaseTiming } from '../queue/lease-timing.ts'
import { killMarked, MARK, marked } from './marked.ts'

/** How a process ended. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null }

/** A running leader. */
export type GroupLeader = {
  child: ChildProcess
  /**
   * Settles when the leader has ended; its group is gone then. Rejects when it could not be
   * started, and with `RetryAt` when it was ended because this process was frozen.
   */
  exit: Promise<Exit>
  /** Signals the whole group. */
  kill(signal: NodeJS.Signals): void
  /** Whether anything that it has started still runs. */
  hasStarted(): boolean
}

/**
 * The longest time from asking a group to end until SIGKILL: an orchestrator waits a second longer,
 * so that the next program of a job's group never meets this one.
 */
export const MAX_GRACE_MS = leaseTiming(LEASE_MS).killGraceMs

/** How long a descendant that left the group may keep the pipes open. */
const PIPES_MS = 1000

/**
 * Starts a program as the leader of a group. The group gets SIGKILL when its leader has ended, or
 * this process has, even by SIGKILL, or is frozen until its leases are over. What left the group
 * ends with its leader too, by its mark, but not when this process gets SIGKILL or is frozen.
 */
export function startGroupLeader(argv: readonly [string, ...string[]], options: SpawnOptions): GroupLeader {
  const [file, ...args] = argv
  const mark = randomUUID()
  const env = { ...(options.env ?? process.env), [MARK]: mark }
  const start = () => spawn(file, args, { ...options, env, detached: true })
  const child = endWithUs(start, { signal: 'KILL', group: true, isLeased: true, mark })
  return {
    child,
    exit: exitOf(child, mark),
    kill: (signal) => killGroup(child, signal),
    hasStarted: () => marked(mark).some((pid) => pid !== child.pid),
  }
}

function exitOf(child: ChildProcess, mark: string): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => {
      killGroup(child, 'SIGKILL')
      killMarked(mark)
      const close = setTimeout(() => {
        for (const pipe of child.stdio) pipe?.destroy()
      }, PIPES_MS)
      child.once('close', () => clearTimeout(close))
    })
    child.once('close', (code, signal) => {
      // A turn later, when it is known.
      setImmediate(() => (signal !== null && hasEndedWithLease(child) ? reject(frozen()) : resolve({ code, signal })))
    })
  })
}

function frozen(): RetryAt {
  return new RetryAt(new Date(), 'It was ended, because this process could not renew its leases for nearly a lease.')
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
