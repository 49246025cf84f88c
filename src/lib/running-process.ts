// What the system says of another process: whether it runs, and since when.
import { readFileSync } from 'node:fs'

/** Whether a process of this id is running. */
export function isRunning(pid: number): boolean {
  // 0 and negative numbers mean groups of processes.
  if (pid <= 0) return false
  // A zombie has ended; only its parent has not asked yet how, and in a container may never.
  if (statOf(pid)[0] === 'Z') return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is running, under another account.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * When a process started, in clock ticks since boot (field 22 of proc_pid_stat(5)), which shows
 * whether its id was reused. Empty where there is no /proc.
 */
export function startedAt(pid: number): string {
  return statOf(pid)[19] ?? ''
}

/** Whether the process of this id that started then, by `startedAt`, is running. */
export function isStillRunning(pid: number, started: string): boolean {
  return isRunning(pid) && startedAt(pid) === started
}

/** What the system says of a process, from its state (field 3) on; empty without a /proc. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command's name, which may have spaces and parentheses in it.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}
