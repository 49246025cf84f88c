// `signalbox db`: reaching the database.
import type { Command } from 'commander'
import { environmentOf } from './environment.ts'
import { CliError } from './failure.ts'
import type { Cli } from './terminal.ts'

/** Adds `db url`. */
export function addDb(db: Command, cli: Cli): void {
  db.command('url')
    .description('print a connection string for psql: DATABASE_URL, or that of the running embedded server')
    .addHelpText(
      'after',
      '\nExample:\n  $ psql "$(signalbox db url)" -c "select status, count(*) from agent_jobs group by 1"',
    )
    .action(async () => {
      const environment = environmentOf(cli)
      const { embeddedUrl } = await import('../db/embedded/embedded.ts')
      const url = environment.DATABASE_URL ?? (await embeddedUrl(environment.SIGNALBOX_DATA_DIR))
      if (url === undefined) {
        const dir = environment.SIGNALBOX_DATA_DIR
        throw new CliError('database_stopped', `No embedded database runs in ${dir}.`, 'Start one with: signalbox dev')
      }
      cli.print({ url }, () => url)
    })
}
