// The environment a command reads, and a log that leaves the command's output alone.
import type { Environment } from '../lib/environment.ts'
import { readEnvironment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import { openLog } from '../lib/pino-log.ts'
import type { Terminal } from './terminal.ts'

/** Options that take the place of a variable. */
export type Overrides = { port?: string | undefined; host?: string | undefined }

/**
 * Reads the environment, options first.
 * @throws AppError `config_invalid` when a variable is not valid.
 */
export function environmentOf({ env }: Pick<Terminal, 'env'>, { port, host }: Overrides = {}): Environment {
  return readEnvironment({
    ...env,
    ...(port === undefined ? {} : { PORT: port }),
    ...(host === undefined ? {} : { HOST: host }),
  })
}

/**
 * The log of a command that does one thing and ends: warnings and worse, unless more was asked for.
 */
export function quietLog({ ORCHESTRATOR_LOG_LEVEL: level }: Pick<Environment, 'ORCHESTRATOR_LOG_LEVEL'>): Log {
  return openLog({ level: level === 'INFO' ? 'WARNING' : level })
}
