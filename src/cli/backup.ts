// `signalbox backup`: all that is stored, to a file.

import { randomUUID } from 'node:crypto'
import { createWriteStream, rmSync } from 'node:fs'
import { link, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Command } from 'commander'
import type { Counts } from '../backup/format.ts'
import { writeBackup } from '../backup/write-backup.ts'
import { openStore } from '../db/store.ts'
import { bytesText } from '../lib/bytes-text.ts'
import { AppError } from '../lib/error.ts'
import { systemFailure } from '../lib/system-error.ts'
import { linesOn, summary } from './backup-text.ts'
import { environmentOf, quietLog } from './environment.ts'
import { STOP_SIGNALS } from './stop.ts'
import type { Cli } from './terminal.ts'

const KEYS = `The secrets of endpoints in it are encrypted, and worth nothing without SIGNALBOX_ENCRYPTION_KEY: keep that too,
at another place.`
const KEPT_BY_DEV = ' dev keeps it in the file encryption-key of SIGNALBOX_DATA_DIR.'

/** Completes `backup`. */
export function addBackup(command: Command, cli: Cli): void {
  command
    .argument('[file]', 'where to write it, - for standard output (default: signalbox-TIME.sql.gz in this folder)')
    .addHelpText(
      'after',
      '\nExample:\n  $ signalbox backup signalbox.sql.gz\n  $ signalbox backup - | ssh backup@example.com "cat > signalbox.sql.gz"',
    )
    .action(async (file?: string) => {
      const environment = environmentOf(cli)
      const store = await openStore({ environment, log: quietLog(environment), share: true })
      try {
        const counts: Counts = {}
        const say = linesOn(cli)
        const text = Readable.from(
          writeBackup(store.url, (table, rows) => {
            counts[table] = rows
            say(table, rows)
          }),
        )
        if (file === '-') return await pipeline(text, createGzip(), process.stdout, { end: false })
        const path = resolve(
          cli.folder,
          file ?? `signalbox-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}.sql.gz`,
        )
        const bytes = await writeWhole(path, text)
        const pairs = [
          ['file', path],
          ['size', bytesText(bytes)],
        ] as const
        const keys = environment.SIGNALBOX_ENCRYPTION_KEY.length > 0 ? KEYS : `${KEYS}${KEPT_BY_DEV}`
        cli.print({ file: path, bytes, rows: counts }, () => `${summary(pairs, counts)}\n\n${keys}`)
      } finally {
        await store.close()
      }
    })
}

/**
 * Writes a file that only its owner can read, and that is whole if it is there.
 * @throws AppError `backup_failed` when it is there already, or cannot be written.
 */
async function writeWhole(path: string, text: Readable): Promise<number> {
  const draft = `${path}.${randomUUID()}.partial`
  // A half is of no use to anybody, and has all that a whole one has to hide.
  const stop = (signal: NodeJS.Signals) => {
    rmSync(draft, { force: true })
    process.kill(process.pid, signal)
  }
  for (const signal of STOP_SIGNALS) process.once(signal, stop)
  try {
    await pipeline(text, createGzip(), createWriteStream(draft, { mode: 0o600, flags: 'wx', flush: true }))
    await link(draft, path)
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new AppError('backup_failed', `${path} is there already. Name another file.`)
    const failure = systemFailure(error)
    if (failure === null) throw error
    throw new AppError('backup_failed', `${path} cannot be written: ${failure.reason}. ${failure.remedy}`, {
      cause: error,
    })
  } finally {
    await rm(draft, { force: true })
    for (const signal of STOP_SIGNALS) process.off(signal, stop)
  }
}
