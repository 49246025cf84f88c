// The log file of PostgreSQL's programs, and the error that quotes it when one of them fails.
import { closeSync, openSync } from 'node:fs'
import { readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../lib/error.ts'

const LIMIT_BYTES = 8 * 1024 * 1024

/** The open log. `output` is its file descriptor, for a program to write to. */
export type ServerLog = {
  output: number
  /** The text written since the log was opened. */
  written(): Promise<string>
  /** A `database_failed` that says what failed, names the log and quotes its last line. */
  failure(what: string): Promise<AppError>
  close(): void
}

/**
 * Opens `<dataDir>/postgres.log` for appending. One that is larger than 8 MB is renamed to
 * `postgres.log.old` first.
 */
export async function openServerLog(dataDir: string): Promise<ServerLog> {
  const path = join(dataDir, 'postgres.log')
  const sizeNow = async () => (await stat(path).catch(() => undefined))?.size ?? 0
  if ((await sizeNow()) > LIMIT_BYTES) await rename(path, `${path}.old`)
  const start = await sizeNow()
  const output = openSync(path, 'a', 0o600)
  const written = async () => (await readFile(path)).toString('utf8', start)
  return {
    output,
    written,
    async failure(what) {
      const last = (await written()).trim().split('\n').at(-1)
      return new AppError('database_failed', `${what} See ${path}; its last line: ${last || '(nothing was written)'}`)
    },
    close: () => closeSync(output),
  }
}
