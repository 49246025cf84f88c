// `signalbox migrate`: brings the tables up to date.
import type { Command } from 'commander'
import { environmentOf, quietLog } from './settings.ts'
import type { Cli } from './terminal.ts'
import { indent } from './text.ts'

/** Adds `migrate`. */
export function addMigrate(program: Command, cli: Cli): void {
  program
    .command('migrate')
    .description('bring the tables up to date (dev and serve do it themselves when they start)')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://app@db.example.com/app signalbox migrate')
    .action(async () => {
      const environment = environmentOf(cli)
      const log = quietLog(environment)
      const { openStore } = await import('../db/store.ts')
      const { migrate } = await import('../db/migrate.ts')
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
