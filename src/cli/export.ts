// `signalbox export`: from the embedded database to a PostgreSQL of one's own.
import { Readable } from 'node:stream'
import type { Command } from 'commander'
import { loadBackup } from '../backup/read-backup.ts'
import { writeBackup } from '../backup/write-backup.ts'
import { hasCluster } from '../db/embedded/embedded.ts'
import { openStore } from '../db/store.ts'
import { linesOn, summary } from './backup-text.ts'
import { environmentOf, quietLog } from './environment.ts'
import { CliError } from './failure.ts'
import type { Cli } from './terminal.ts'

/** Completes `export`. */
export function addExport(command: Command, cli: Cli): void {
  command
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://app@db.example.com/app signalbox export')
    .action(async () => {
      const environment = environmentOf(cli)
      const { DATABASE_URL, SIGNALBOX_DATA_DIR: dataDir } = environment
      if (DATABASE_URL === undefined) {
        const detail = 'DATABASE_URL is not set: it says where to export to.'
        throw new CliError('database_missing', detail, 'Set it to the connection string of an empty database.')
      }
      if (!(await hasCluster(dataDir))) {
        const detail = `There is no embedded database in ${dataDir}.`
        throw new CliError('database_missing', detail, 'Set SIGNALBOX_DATA_DIR to the folder that has it.')
      }
      const log = quietLog(environment)
      const target = await openStore({ environment, log })
      try {
        // Not shared: what came after it was read would be missing in the other.
        const source = await openStore({ environment: { ...environment, DATABASE_URL: undefined }, log })
        try {
          const input = Readable.from(writeBackup(source.url), { objectMode: true }).map((piece: Buffer | string) =>
            Buffer.from(piece),
          )
          const { counts } = await loadBackup({ input, database: target.database, log, onTable: linesOn(cli) })
          cli.print({ rows: counts }, () => `${summary([], counts)}\n\n${NEXT}`)
        } finally {
          await source.close()
        }
      } finally {
        await target.close()
      }
    })
}

const NEXT = `Start dev or serve with this DATABASE_URL from now on. Where dev made the encryption key, set SIGNALBOX_ENCRYPTION_KEY
to what is in the file encryption-key of SIGNALBOX_DATA_DIR. The embedded database is as it was.`
