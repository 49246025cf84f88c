// Processes that have a mark in their environment: what a program starts inherits it, also in a
// process group or a session of its own. Only where there is /proc; elsewhere none is found.
import { readdirSync, readFileSync } from 'node:fs'

/** The variable that has the mark. */
export const MARK = 'SIGNALBOX_PROCESS'

/** The ids of the processes with this mark. */
export function marked(mark: string): number[] {
  return allIds().filter((pid) => `\0${environmentOf(pid)}`.includes(`\0${MARK}=${mark}\0`))
}

/** Kills the processes with this mark, and those that they start meanwhile. */
export function killMarked(mark: string): void {
  const killed = new Set<number>()
  for (;;) {
    const found = marked(mark).filter((pid) => !killed.has(pid))
    if (found.length === 0) return
    for (const pid of found) {
      killed.add(pid)
      kill(pid)
    }
  }
}

// Synchronously, which takes half the processor time: 15 µs for each process of the machine.
function allIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    // It has ended, or is another user's.
    return ''
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended, or may not be signalled.
  }
}
