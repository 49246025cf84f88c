// Where a back-test reads the past from: the running server, or where there is none the database.
import type { BacktestQuery, Page, PastEvent, RuleCost, SignalboxClient } from '@signalbox/sdk'
import { SignalboxError } from '@signalbox/sdk/client'
import type { ServerOptions } from './api-client.ts'
import { clientOf } from './api-client.ts'
import type { Cli } from './terminal.ts'

/** Past events, and what jobs have cost. */
export type Past = {
  events(query: BacktestQuery): Promise<Page<PastEvent>>
  costs(): Promise<readonly RuleCost[]>
  close(): Promise<void>
}

/**
 * Opens the past as the server knows it; where none is running, the database that one would use.
 * @throws CliError `database_stopped` when there is neither.
 */
export async function openPast(cli: Cli, options: ServerOptions): Promise<Past> {
  const client = clientOf(cli, options)
  const isRunning = await client.health().then(
    () => true,
    (error: unknown) => {
      if (error instanceof SignalboxError && error.code === 'unreachable' && options.server === undefined) return false
      throw error
    },
  )
  return isRunning ? pastOfServer(client) : pastOfDatabase(cli)
}

function pastOfServer({ rules }: SignalboxClient): Past {
  return {
    events: rules.past,
    async costs() {
      return (await rules.costs()).items
    },
    async close() {},
  }
}

async function pastOfDatabase(cli: Cli): Promise<Past> {
  // Loaded here, because most commands need no database.
  const [{ urlOf }, { environmentOf, quietLog }, { openDatabase }, { MAX_PAST_PAGE, pastEvents, ruleCosts }] =
    await Promise.all([
      import('./db.ts'),
      import('./environment.ts'),
      import('../db/postgres.ts'),
      import('../replay/history.ts'),
    ])
  const url = await urlOf(cli)
  const database = await openDatabase({ url, log: quietLog(environmentOf(cli)), max: 1 })
  return {
    events: ({ limit = MAX_PAST_PAGE, ...span }) => pastEvents(database, { ...span, limit }),
    costs: () => ruleCosts(database),
    close: () => database.close(),
  }
}
