// `signalbox agents`: the code that does the jobs.
import type { AgentSummary } from '@signalbox/sdk'
import type { Command } from 'commander'
import { loadConfigured, withConfigFile } from './config-file.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import type { Cli } from './terminal.ts'

const COLUMNS: readonly Column<AgentSummary>[] = [
  { title: 'NAME', value: (agent) => agent.name },
  { title: 'DOES', value: (agent) => agent.description, shrinks: true },
]

/** Completes `agents`. */
export function addAgents(agents: Command, cli: Cli): void {
  withConfigFile(agents)
    .addHelpText('after', '\nExample:\n  $ signalbox agents')
    .action(async (options: { config?: string }) => {
      const configured = await loadConfigured(cli, options)
      const items = [...configured.agents.values()].map(({ name, description }) => ({ name, description }))
      cli.print({ items, next: null }, () => table(COLUMNS, items, cli.columns))
    })
}
