// What a command works with: the environment, the configuration file, and a log that leaves the
// output alone.
import type { Command } from 'commander'
import type { LoadedConfig } from '../config/config-file.ts'
import { loadConfig } from '../config/config-file.ts'
import type { Installation } from '../config/configure.ts'
import type { Environment } from '../lib/environment.ts'
import { readEnvironment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import { openLog } from '../lib/pino-log.ts'
import type { Terminal } from './terminal.ts'

/** Options that take the place of a variable. */
export type Overrides = { port?: string | undefined; host?: string | undefined }

/**
 * Reads the environment, options first.
 * @throws AppError `config_invalid`
 */
export function environmentOf({ env }: Pick<Terminal, 'env'>, { port, host }: Overrides = {}): Environment {
  return readEnvironment({
    ...env,
    ...(port === undefined ? {} : { PORT: port }),
    ...(host === undefined ? {} : { HOST: host }),
  })
}

/**
 * Reads environment and configuration.
 * @throws AppError `config_invalid`
 */
export async function loadSettings(
  terminal: Pick<Terminal, 'env' | 'folder'>,
  options: Overrides & { config?: string | undefined } = {},
): Promise<LoadedConfig & { environment: Environment }> {
  return {
    environment: environmentOf(terminal, options),
    ...(await loadConfig(terminal.folder, options.config)),
  }
}

/**
 * The log of a command that does one thing and ends: warnings and worse, unless more was asked for.
 */
export function quietLog({ ORCHESTRATOR_LOG_LEVEL: level }: Pick<Environment, 'ORCHESTRATOR_LOG_LEVEL'>): Log {
  return openLog({ level: level === 'INFO' ? 'WARNING' : level })
}

/**
 * Reads environment and configuration, and puts the built-in and the configured parts together.
 * @throws AppError `config_invalid`
 */
export async function loadConfigured(
  terminal: Pick<Terminal, 'env' | 'folder'>,
  options: { config?: string | undefined },
): Promise<Installation> {
  const { environment, config } = await loadSettings(terminal, options)
  // Loaded here, because it brings in the whole program: most commands start in half the time
  // without it.
  const { configure } = await import('../config/configure.ts')
  return configure(environment, config, quietLog(environment))
}

/** Adds `--config`, which names another configuration file. */
export function withConfigFile(command: Command): Command {
  return command.option(
    '--config <file>',
    'configuration file (default: signalbox.config.ts in this folder, if it is there)',
  )
}
