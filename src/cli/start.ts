// `signalbox dev` and `signalbox serve`: the service itself.
import type { Command } from 'commander'
import { Option } from 'commander'
import { withConfigFile } from './config-file.ts'
import type { StartOptions } from './service.ts'
import type { Cli } from './terminal.ts'

/** Completes `dev`. */
export function addDev(dev: Command, cli: Cli): void {
  withPort(dev)
    .addHelpText('after', '\nExample:\n  $ signalbox dev\n  $ curl -X POST http://127.0.0.1:8000/webhook/manual')
    .action((options: StartOptions) => start(cli, 'dev', options))
}

/** Completes `serve`. */
export function addServe(serve: Command, cli: Cli): void {
  withPort(serve)
    .option('--host <address>', 'address to listen on (default: HOST, else all)')
    .addOption(
      new Option('--only <part>', 'run one part, the other in another process').choices(['receiver', 'orchestrator']),
    )
    .addHelpText('after', '\nExamples:\n  $ signalbox serve --port 8000\n  $ signalbox serve --only orchestrator')
    .action((options: StartOptions) => start(cli, 'serve', options))
}

function withPort(command: Command): Command {
  return withConfigFile(command).option(
    '--port <port>',
    'where to listen; 0 lets the system choose (default: PORT, else 8000)',
  )
}

async function start(cli: Cli, mode: 'dev' | 'serve', options: StartOptions): Promise<void> {
  // Loaded here, because it brings in the whole program, which the help does not need.
  const { runService } = await import('./service.ts')
  await runService(cli, mode, options)
}
