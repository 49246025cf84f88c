// The file PostgreSQL's programs write to, and what they wrote there when one of them failed.
import { closeSync, openSync } from 'node:fs'
import { readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../lib/error.ts'

const LIMIT_BYTES = 8 * 1024 * 1024

/** The open log: `output` is its file descriptor, for a program to write to. */
export type ServerLog = {
  output: number
  /** What was written since the log was opened. */
  news(): Promise<string>
  /** The error of a program that failed: names the log and quotes its last line. */
  failure(what: string): Promise<AppError>
  close(): void
}

/**
 * Opens `<dataDir>/postgres.log` for appending; one that has grown past 8 MB becomes
 * `postgres.log.old`.
 */
export async function openServerLog(dataDir: string): Promise<ServerLog> {
  const path = join(dataDir, 'postgres.log')
  const sizeNow = async () => (await stat(path).catch(() => undefined))?.size ?? 0
  if ((await sizeNow()) > LIMIT_BYTES) await rename(path, `${path}.old`)
  const start = await sizeNow()
  const output = openSync(path, 'a', 0o600)
  const news = async () => (await readFile(path)).toString('utf8', start)
  return {
    output,
    news,
    async failure(what) {
      const last = (await news()).trim().split('\n').at(-1)
      return new AppError('database_failed', `${what} See ${path}; its last line: ${last || '(nothing was written)'}`)
    },
    close: () => closeSync(output),
  }
}
