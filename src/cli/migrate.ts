// `signalbox migrate`: brings the tables up to date.
import type { Command } from 'commander'
import { migrate } from '../db/migrate.ts'
import { openStore } from '../db/store.ts'
import { environmentOf, quietLog } from './environment.ts'
import type { Cli } from './terminal.ts'
import { indent } from './text.ts'

/** Completes `migrate`. */
export function addMigrate(command: Command, cli: Cli): void {
  command
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://app@db.example.com/app signalbox migrate')
    .action(async () => {
      const environment = environmentOf(cli)
      const log = quietLog(environment)
      const store = await openStore({ environment, log, share: true })
      try {
        const { applied } = await migrate(store.database, { log })
        cli.print({ applied }, () =>
          applied.length === 0 ? 'The tables are up to date.' : `Applied:\n${indent(applied.join('\n'))}`,
        )
      } finally {
        await store.close()
      }
    })
}
