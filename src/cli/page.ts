// What every `ls` has in common: how many rows, from where on, and how they are shown.
import type { Page } from '@signalbox/sdk'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { withServer } from './api-client.ts'
import { CliError, NOT_SIGNALBOX } from './failure.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import type { Cli } from './terminal.ts'

/** The options of every list. */
export type PageOptions = ServerOptions & { limit: number; cursor?: string }

const MAX_LIMIT = 100

function parseLimit(value: string): number {
  if (/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= MAX_LIMIT) return Number(value)
  throw new InvalidArgumentError(`It must be a number from 1 to ${MAX_LIMIT}.`)
}

/** Adds `--limit`, `--cursor` and `--server`. */
export function withPaging(command: Command): Command {
  return withServer(command)
    .option('-n, --limit <count>', 'rows to show, newest first', parseLimit, 20)
    .option('--cursor <cursor>', 'show the next page: the cursor that the last line of a page names')
}

/** `--status`, which takes the keys of `statuses`; the compiler sees that none is missing. */
export function statusOption<Status extends string>(statuses: Record<Status, true>): Option {
  return new Option('--status <status>', 'only these').choices(Object.keys(statuses))
}

/** Prints one page: the API's answer with `--json`, else a table that fits the terminal. */
export function printPage<Row>(
  cli: Cli,
  page: Page<Row>,
  noun: string,
  columns: readonly Column<Row>[],
  none = `There are no ${noun}.`,
): void {
  // Whatever answers 200 in JSON at that address may be no Signalbox.
  if (!Array.isArray(page.items)) throw new CliError('not_signalbox', 'The answer is not a list.', NOT_SIGNALBOX)
  cli.print(page, () => {
    if (page.items.length === 0) return none
    const more = page.next === null ? '' : `\n${cli.paint('dim', `There are more: --cursor ${page.next}`)}`
    return `${table(columns, page.items, cli.columns)}${more}`
  })
}
