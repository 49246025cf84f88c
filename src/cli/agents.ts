// `signalbox agents`: those who do the work.
import type { Command } from 'commander'
import type { Agent } from '../agents/agent.ts'
import { loadConfigured, withConfigFile } from './settings.ts'
import type { Cli } from './terminal.ts'
import type { Column } from './text.ts'
import { inline, table } from './text.ts'

const COLUMNS: readonly Column<Pick<Agent, 'name' | 'description'>>[] = [
  { title: 'NAME', value: ({ name }) => inline(name) },
  { title: 'DOES', value: ({ description }) => inline(description), shrinks: true },
]

/** Adds `agents`. */
export function addAgents(program: Command, cli: Cli): void {
  withConfigFile(program.command('agents'))
    .description('list the agents, built-in and configured')
    .addHelpText('after', '\nExample:\n  $ signalbox agents')
    .action(async (options: { config?: string }) => {
      const { agents } = await loadConfigured(cli, options)
      const items = [...agents.values()].map(({ name, description }) => ({ name, description }))
      cli.print({ items, next: null }, () => table(COLUMNS, items, cli.columns))
    })
}
