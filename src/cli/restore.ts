// `signalbox restore`: what `backup` wrote, into an empty database.
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Command } from 'commander'
import { loadBackup } from '../backup/read-backup.ts'
import { openStore } from '../db/store.ts'
import { AppError } from '../lib/error.ts'
import { systemFailure } from '../lib/system-error.ts'
import { linesOn, summary } from './backup-text.ts'
import { environmentOf, quietLog } from './environment.ts'
import type { Cli } from './terminal.ts'

const NEXT = `Jobs and deliveries that had not ended go on when you start dev or serve. The secrets of endpoints need the
SIGNALBOX_ENCRYPTION_KEY from then.`

/** Completes `restore`. */
export function addRestore(command: Command, cli: Cli): void {
  command
    .argument('<file>', 'the backup; - for standard input')
    .addHelpText('after', '\nExample:\n  $ signalbox restore signalbox.sql.gz')
    .action(async (file: string) => {
      const environment = environmentOf(cli)
      const log = quietLog(environment)
      // Before a database is made for nothing.
      const packed = file === '-' ? process.stdin : await openFile(resolve(cli.folder, file))
      const store = await openStore({ environment, log })
      try {
        const options = { database: store.database, log, onTable: linesOn(cli) }
        const { header, counts } = await unpacked(packed, (input) => loadBackup({ ...options, input }))
        const pairs = [['made', `${header.at} by Signalbox ${header.version}`]] as const
        cli.print(
          { made: header.at, version: header.version, rows: counts },
          () => `${summary(pairs, counts)}\n\n${NEXT}`,
        )
      } finally {
        await store.close()
      }
    })
}

async function openFile(path: string): Promise<Readable> {
  const file = createReadStream(path)
  await new Promise((opened, failed) => file.once('open', opened).once('error', failed)).catch((error: unknown) => {
    const failure = systemFailure(error)
    if (failure === null) throw error
    throw new AppError('backup_invalid', `${path} cannot be read: ${failure.reason}. ${failure.remedy}`, {
      cause: error,
    })
  })
  return file
}

/** @throws AppError `backup_invalid` when what is read is no whole gzip file. */
async function unpacked<T>(packed: Readable, load: (input: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
  const input = new PassThrough()
  const unpacking = pipeline(packed, createGunzip(), input).catch((error: NodeJS.ErrnoException) => {
    if (!/^Z_/.test(error.code ?? '')) throw error
    throw new AppError('backup_invalid', `The backup is damaged or cut off: ${error.message}. Nothing was loaded.`, {
      cause: error,
    })
  })
  const [read, loaded] = await Promise.allSettled([unpacking, load(input).finally(() => input.destroy())])
  // What is wrong with the file explains what is wrong with its text, but not the other way round.
  if (read.status === 'rejected' && read.reason instanceof AppError) throw read.reason
  if (loaded.status === 'rejected') throw loaded.reason
  return loaded.value
}
