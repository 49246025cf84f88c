// The log: pino, one JSON object a line, with secrets removed.

import type { Logger } from 'pino'
import { pino } from 'pino'

export type Log = Logger

/** Level names of the seed's `ORCHESTRATOR_LOG_LEVEL`. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const

const PINO_LEVEL = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const

/**
 * Opens the log on standard error, so that a command's own output stays clean on standard output.
 */
export function openLog(options: { level?: (typeof LOG_LEVELS)[number]; pretty?: boolean } = {}): Log {
  return pino(
    {
      level: PINO_LEVEL[options.level ?? 'INFO'],
      base: null,
      redact: ['*.secret', '*.secrets', '*.token', '*.authorization', 'headers.authorization'],
      timestamp: pino.stdTimeFunctions.isoTime,
      ...(options.pretty
        ? {
            transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname', singleLine: true } },
          }
        : {}),
    },
    ...(options.pretty ? [] : [pino.destination({ dest: 2, sync: true })]),
  )
}

/** A log that says nothing, for tests and one-shot commands. */
export const silentLog: Log = pino({ level: 'silent' })
