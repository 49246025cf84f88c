// The log file of PostgreSQL's programs, and the error that quotes it when one of them fails.
import { closeSync, openSync } from 'node:fs'
import { readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../lib/error.ts'

const LIMIT_BYTES = 8 * 1024 * 1024
const TAIL_CHARS = 20_000

/** The open log. `output` is its file descriptor, for a program to write to. */
export type ServerLog = {
  output: number
  /** The text written since the log was opened. */
  written(): Promise<string>
  /** The line written since then that says why a program failed; empty when there is none. */
  reason(): Promise<string>
  /** A `database_failed` that says what failed, names the log and quotes the reason. */
  failure(what: string): Promise<AppError>
  close(): void
}

/**
 * Opens `<dataDir>/postgres.log` for appending. One that is larger than 8 MB is renamed to
 * `postgres.log.old` first.
 */
export async function openServerLog(dataDir: string): Promise<ServerLog> {
  const path = logFile(dataDir)
  const sizeNow = async () => (await stat(path).catch(() => undefined))?.size ?? 0
  if ((await sizeNow()) > LIMIT_BYTES) await rename(path, `${path}.old`)
  const start = await sizeNow()
  const output = openSync(path, 'a', 0o600)
  const written = async () => (await readFile(path)).toString('utf8', start)
  const reason = async () => reasonIn(await written())
  return {
    output,
    written,
    reason,
    async failure(what) {
      const line = (await reason()) || '(nothing was written)'
      return new AppError('database_failed', `${what} The log is ${logFile(dataDir)}; it says: ${line}`)
    },
    close: () => closeSync(output),
  }
}

function logFile(dataDir: string): string {
  return join(dataDir, 'postgres.log')
}

/**
 * Why the programs of a data directory failed last, by their log, and where that is; null when it
 * says nothing.
 */
export async function lastFailure(dataDir: string): Promise<{ path: string; reason: string } | null> {
  const path = logFile(dataDir)
  const text = await readFile(path, 'utf8').catch(() => '')
  const reason = reasonIn(text.slice(-TAIL_CHARS))
  return reason === '' ? null : { path, reason }
}

/** The last line that reports an error, else the last line: what follows an error is tidying up. */
function reasonIn(text: string): string {
  const lines = text.trim().split('\n')
  return lines.findLast((line) => /\b(?:FATAL|PANIC|error):/.test(line)) ?? lines.at(-1) ?? ''
}
