// `signalbox agents`: the code that does the jobs.
import type { AgentSummary } from '@signalbox/sdk'
import type { Command } from 'commander'
import { addAgentsRun } from './agents-run.ts'
import type { ConfiguredOptions } from './configured.ts'
import { printConfigured, withConfigured } from './configured.ts'
import type { Column } from './table.ts'
import type { Cli } from './terminal.ts'

const COLUMNS: readonly Column<AgentSummary>[] = [
  { title: 'NAME', value: (agent) => agent.name },
  { title: 'DOES', value: (agent) => agent.description, shrinks: true },
]

/** Adds `agents ls` and `agents run`. */
export function addAgents(agents: Command, cli: Cli): void {
  withConfigured(agents.command('ls'))
    .description('list the agents that there are')
    .addHelpText('after', '\nExamples:\n  $ signalbox agents ls\n  $ signalbox agents ls --local')
    .action((options: ConfiguredOptions) =>
      printConfigured<AgentSummary>(cli, options, {
        noun: 'agents',
        columns: COLUMNS,
        ask: async (client) => (await client.agents.list()).items,
        read: (configured) => [...configured.agents.values()].map(({ name, description }) => ({ name, description })),
      }),
    )
  addAgentsRun(agents, cli)
}
