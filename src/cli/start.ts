// `signalbox dev` and `signalbox serve`: the service itself.
import type { Command } from 'commander'
import { Option } from 'commander'
import { withConfigFile } from './settings.ts'
import type { Cli } from './terminal.ts'

/** The options of both. */
export type StartOptions = { config?: string; port?: string; host?: string; only?: 'receiver' | 'orchestrator' }

// Loaded here, because it brings in the whole program.
async function start(cli: Cli, mode: 'dev' | 'serve', options: StartOptions): Promise<void> {
  const { runService } = await import('./service.ts')
  await runService(cli, mode, options)
}

function withPort(command: Command): Command {
  return withConfigFile(command).option(
    '--port <port>',
    'where to listen; 0 lets the system choose (default: PORT, else 8000)',
  )
}

/** Adds `dev` and `serve`. */
export function addStart(program: Command, cli: Cli): void {
  withPort(program.command('dev'))
    .description('run everything on this machine, with nothing to set up')
    .addHelpText('after', '\nExample:\n  $ signalbox dev\n  $ curl -X POST http://127.0.0.1:8000/webhook/manual')
    .action((options: StartOptions) => start(cli, 'dev', options))
  withPort(program.command('serve'))
    .description('run in production: receive webhooks, work on jobs, deliver')
    .option('--host <address>', 'address to listen on (default: HOST, else all)')
    .addOption(
      new Option('--only <part>', 'run one part, the other in another process').choices(['receiver', 'orchestrator']),
    )
    .addHelpText('after', '\nExamples:\n  $ signalbox serve --port 8000\n  $ signalbox serve --only orchestrator')
    .action((options: StartOptions) => start(cli, 'serve', options))
}
