// What agents and processes record of themselves, in a file that outlives them, by a clock that all
// processes of a machine share.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/** One attempt of one job, as its agent knows it. */
export type Attempted = { job: string; attempt: number; group: string }

/**
 * One record. `begin` and `end` are of an agent's run; `alive` is what a program writes between
 * them, because it may be ended without a word. `runs` names the process that made the attempt,
 * where another one does the work. A `stall` is a time in which a process did nothing at all.
 */
export type Entry = { at: number; pid: number } & (
  | ({ what: 'begin' | 'end' | 'alive' | 'runs' } & Attempted)
  | { what: 'stall'; ms: number }
  | { what: 'gone' }
)

type What<Of> = Of extends infer One ? Omit<One, 'at' | 'pid'> : never

/** A log that is open for writing. */
export type Log<Of> = { write(entry: What<Of> & { at?: number; pid?: number }): void; close(): void }

/** The journal of agents and processes. */
export type Journal = Log<Entry>

/** Milliseconds of the machine's monotonic clock, the same in every process. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Opens a journal; each record is one append, so that processes do not disturb each other. */
export function openJournal<Of = Entry>(path: string): Log<Of> {
  const file = openSync(path, 'a')
  return {
    write: (entry) => void writeSync(file, `${JSON.stringify({ at: monotonicMs(), pid: process.pid, ...entry })}\n`),
    close: () => closeSync(file),
  }
}

/** All records, oldest first. */
export function readJournal(path: string): Entry[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
    .sort((a, b) => a.at - b.at)
}
