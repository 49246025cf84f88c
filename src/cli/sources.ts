// `signalbox sources`: who may send webhooks.
import type { Command } from 'commander'
import type { Source } from '../sources/source.ts'
import { loadConfigured, withConfigFile } from './settings.ts'
import type { Cli } from './terminal.ts'
import type { Column } from './text.ts'
import { table } from './text.ts'

/**
 * The variable a built-in source's secrets are in; the others bring theirs from the configuration
 * file.
 */
const SECRET_VARIABLE: Record<string, string> = { github: 'GITHUB_WEBHOOK_SECRET', agenta: 'AGENTA_WEBHOOK_SECRET' }

/** A source as it is shown: never with its secrets. */
export type ShownSource = {
  name: string
  path: string
  status: 'open' | 'closed'
  secrets: number
  hint: string | null
}

/** What can be shown of a source; `hint` says how to open a closed one. */
export function shownSource({ name, secrets }: Pick<Source, 'name' | 'secrets'>): ShownSource {
  const variable = SECRET_VARIABLE[name]
  const toOpen = variable === undefined ? 'give it a secret in signalbox.config.ts' : `set ${variable}`
  const isOpen = secrets.length > 0
  return {
    name,
    path: `/webhook/${name}`,
    status: isOpen ? 'open' : 'closed',
    secrets: secrets.length,
    hint: isOpen ? null : toOpen,
  }
}

const COLUMNS: readonly Column<ShownSource>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'PATH', value: ({ path }) => path },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'SECRETS', value: ({ secrets }) => String(secrets) },
  { title: 'TO OPEN IT', value: ({ hint }) => hint ?? '' },
]

/** Adds `sources`. */
export function addSources(program: Command, cli: Cli): void {
  withConfigFile(program.command('sources'))
    .description('list who may send webhooks, and what opens a closed source')
    .addHelpText('after', '\nExample:\n  $ signalbox sources')
    .action(async (options: { config?: string }) => {
      const { sources } = await loadConfigured(cli, options)
      const items = [...sources.values()].map(shownSource)
      cli.print({ items, next: null }, () => table(COLUMNS, items, cli.columns))
    })
}
