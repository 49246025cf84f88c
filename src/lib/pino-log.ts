// The log of the service: pino, one JSON object per line on standard error, with secrets removed.
import type { DestinationStream } from 'pino'
import { pino } from 'pino'
import pretty from 'pino-pretty'
import { CONTROLS } from './control-characters.ts'
import type { Log, LogLevel } from './log.ts'
import { oneLine } from './one-line.ts'

const PINO_LEVEL = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const

const SECRET_FIELDS = ['secret', 'secrets', 'token', 'password', 'authorization', 'cookie']

// pino's wildcard stands for one level only. Four levels reach the headers of a request inside a
// logged error: `err.request.headers.authorization`.
const REDACTED_PATHS = ['', '*.', '*.*.', '*.*.*.'].flatMap((above) => SECRET_FIELDS.map((field) => above + field))

/**
 * Opens the log. It writes to standard error, so that standard output has only what a command
 * prints. `pretty` is for people; `destination` is for tests.
 */
export function openLog(options: { level?: LogLevel; pretty?: boolean; destination?: DestinationStream } = {}): Log {
  const settings = {
    level: PINO_LEVEL[options.level ?? 'INFO'],
    base: null,
    redact: REDACTED_PATHS,
    timestamp: pino.stdTimeFunctions.isoTime,
    // JSON escapes the first 32 characters only, and a path may be anything.
    hooks: { streamWrite: (line: string) => line.replace(CONTROLS, '\ufffd') },
  }
  if (options.pretty) {
    // In this process and not in a worker of pino's, for which an exit waits ten seconds when
    // nobody reads. A sentence says what `about` contains.
    const ignore = 'pid,hostname,about'
    // A message may have the words of others, and a line of theirs must not look like another one.
    const messageFormat = (log: Record<string, unknown>, key: string) => oneLine(String(log[key] ?? ''))
    const format = { ignore, messageFormat, singleLine: true, translateTime: 'SYS:HH:MM:ss' }
    return pino(settings, pretty({ destination: 2, sync: true, ...format }))
  }
  return pino(settings, options.destination ?? pino.destination({ dest: 2, sync: true }))
}
