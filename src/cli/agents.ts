// `signalbox agents`: the code that does the jobs.
import type { AgentSummary } from '@signalbox/sdk'
import type { Command } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { withServer } from './api-client.ts'
import { withConfigFile } from './config-file.ts'
import type { ConfiguredOptions } from './configured.ts'
import { printConfigured, withConfigured } from './configured.ts'
import type { Column } from './table.ts'
import type { Cli } from './terminal.ts'

const COLUMNS: readonly Column<AgentSummary>[] = [
  { title: 'NAME', value: (agent) => [agent.name, ...agent.job_types].join(', ') },
  { title: 'DOES', value: (agent) => agent.description, shrinks: true },
]

/** The options of `agents run`. */
export type RunOptions = ServerOptions & {
  config?: string
  event?: string
  githubEvent?: string
  rule?: string
  payload?: string
}

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
        read: async ({ agents }) => {
          const { agentRow } = await import('../agents/wire.ts')
          return [...agents.values()].map(agentRow)
        },
      }),
    )
  addAgentsRun(agents, cli)
}

function addAgentsRun(agents: Command, cli: Cli): void {
  withConfigFile(withServer(agents.command('run <name>')))
    .description('run an agent once, here and without a server, and show what it would write; nothing is written')
    .option('--event <file|event-id>', 'the event it works on: a file of one, or one that the server has recorded')
    .option('--github-event <name>', 'the event of the file as GitHub names it, where the file does not show it')
    .option('--rule <name>', 'the rule whose options and model it gets (default: the first one of the agent)')
    .option('--payload <json>', 'more options, as a job that is started by hand has them')
    .addHelpText('after', '\nExample:\n  $ signalbox agents run welcome --event issue.json --github-event issues')
    .action(async (name: string, options: RunOptions) => {
      const { runHere } = await import('./agents-run.ts')
      await runHere(cli, name, options)
    })
}
