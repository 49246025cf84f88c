// `signalbox sources`: who may send webhooks.
import type { Command } from 'commander'
import type { ConfiguredOptions } from './configured.ts'
import { printConfigured, withConfigured } from './configured.ts'
import type { ShownSource } from './source-hint.ts'
import { withHint } from './source-hint.ts'
import type { Column } from './table.ts'
import type { Cli } from './terminal.ts'

const COLUMNS: readonly Column<ShownSource>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'PATH', value: ({ path }) => path },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'SECRETS', value: ({ secrets }) => secrets },
  { title: 'TO OPEN IT', value: ({ hint }) => hint },
  { title: 'PAUSED', value: ({ paused }) => paused && `held since ${paused.since}: ${paused.reason}`, shrinks: true },
]

/** Completes `sources`. */
export function addSources(command: Command, cli: Cli): void {
  withConfigured(command)
    .addHelpText('after', '\nExamples:\n  $ signalbox sources\n  $ signalbox sources --local')
    .action((options: ConfiguredOptions) =>
      printConfigured<ShownSource>(cli, options, {
        noun: 'sources',
        columns: COLUMNS,
        ask: async (client) => (await client.sources.list()).items.map(withHint),
        read: async ({ sources }) => {
          const { shownSource } = await import('./shown-source.ts')
          return [...sources.values()].map(shownSource)
        },
      }),
    )
}
