// `signalbox db`: reaching the database.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Command } from 'commander'
import { environmentOf } from './environment.ts'
import { CliError, Unsuccessful } from './failure.ts'
import type { Cli } from './terminal.ts'

/** Adds `db psql` and `db url`. */
export function addDb(db: Command, cli: Cli): void {
  db.command('psql')
    .argument('[options...]', 'options of psql')
    .description('run psql on the database, without its password among the arguments')
    .allowUnknownOption()
    .addHelpText('after', '\nExample:\n  $ signalbox db psql -c "select status, count(*) from agent_jobs group by 1"')
    .action(async (options: string[]) => psql(cli, await urlOf(cli), options))
  db.command('url')
    .description('print the connection string, with its password: DATABASE_URL, or that of the embedded server')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=$(signalbox db url) node report.js')
    .action(async () => {
      const url = await urlOf(cli)
      cli.print({ url }, () => url)
    })
}

/**
 * The connection string of the database, with its password.
 * @throws CliError `database_stopped` when it is the embedded one, and that does not run.
 */
export async function urlOf(cli: Pick<Cli, 'env' | 'folder'>): Promise<string> {
  const { DATABASE_URL, SIGNALBOX_DATA_DIR } = environmentOf(cli)
  const { embeddedUrl } = await import('../db/embedded/embedded.ts')
  const url = DATABASE_URL ?? (await embeddedUrl(SIGNALBOX_DATA_DIR))
  if (url !== undefined) return url
  const detail = `No embedded database runs in ${SIGNALBOX_DATA_DIR}.`
  throw new CliError('database_stopped', detail, 'Start one with: signalbox dev')
}

/** Every account of the machine can read a process's arguments, but not its environment. */
async function psql(cli: Cli, connection: string, options: readonly string[]): Promise<void> {
  const url = new URL(connection)
  const password = decodeURIComponent(url.password)
  url.password = ''
  const env = { ...cli.env, ...(password && { PGPASSWORD: password }) }
  const child = spawn('psql', [url.href, ...options], { cwd: cli.folder, env, stdio: 'inherit' })
  // Ctrl-C ends a statement of psql, and not this process before it.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Unsuccessful()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const remedy =
      'Install it ("apt-get install postgresql-client" on Debian), or use another client with: signalbox db url'
    throw new CliError('psql_missing', 'psql is not installed.', remedy, { cause: error })
  } finally {
    process.off('SIGINT', ignore)
  }
}
