// `signalbox sources`: who may send webhooks.
import type { Command } from 'commander'
import { loadConfigured, withConfigFile } from './config-file.ts'
import type { ShownSource } from './shown-source.ts'
import { shownSource } from './shown-source.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import type { Cli } from './terminal.ts'

const COLUMNS: readonly Column<ShownSource>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'PATH', value: ({ path }) => path },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'SECRETS', value: ({ secrets }) => secrets },
  { title: 'TO OPEN IT', value: ({ hint }) => hint },
]

/** Completes `sources`. */
export function addSources(command: Command, cli: Cli): void {
  withConfigFile(command)
    .addHelpText('after', '\nExample:\n  $ signalbox sources')
    .action(async (options: { config?: string }) => {
      const { sources } = await loadConfigured(cli, options)
      const items = [...sources.values()].map(shownSource)
      cli.print({ items, next: null }, () => table(COLUMNS, items, cli.columns))
    })
}
