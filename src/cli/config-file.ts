// The configuration file a command reads.
import type { Command } from 'commander'
import type { LoadedConfig } from '../config/config-file.ts'
import type { Installation } from '../config/configure.ts'
import type { Environment } from '../lib/environment.ts'
import type { Overrides } from './environment.ts'
import type { Terminal } from './terminal.ts'

/**
 * Reads environment and configuration file.
 * @throws AppError `config_invalid` when a value in either is not valid.
 */
export async function loadSettings(
  terminal: Pick<Terminal, 'env' | 'folder'>,
  options: Overrides & { config?: string | undefined } = {},
): Promise<LoadedConfig & { environment: Environment }> {
  // Loaded here, because most commands only ask a server.
  const [{ environmentOf }, { loadConfig }] = await Promise.all([
    import('./environment.ts'),
    import('../config/config-file.ts'),
  ])
  return {
    environment: environmentOf(terminal, options),
    ...(await loadConfig(terminal.folder, options.config)),
  }
}

/**
 * Reads environment and configuration file, and puts the built-in and the configured parts
 * together; `path` is the file, null without one.
 * @throws AppError `config_invalid` when a value in either is not valid.
 */
export async function loadConfigured(
  terminal: Pick<Terminal, 'env' | 'folder'>,
  options: { config?: string | undefined },
): Promise<Installation & Pick<LoadedConfig, 'path'>> {
  const { environment, config, path } = await loadSettings(terminal, options)
  // It brings in the whole program.
  const [{ configure }, { quietLog }] = await Promise.all([
    import('../config/configure.ts'),
    import('./environment.ts'),
  ])
  return { ...configure(environment, config, quietLog(environment)), path }
}

/** Adds `--config`, which names another configuration file. */
export function withConfigFile(command: Command): Command {
  return command.option(
    '--config <file>',
    'configuration file (default: signalbox.config.ts in this folder, if it is there)',
  )
}
