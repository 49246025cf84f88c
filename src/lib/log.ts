// What the program logs to: a type that pino's logger satisfies, so that a library user needs no
// pino.

/** Writes one line: a sentence, or fields and a sentence. */
type LogMethod = {
  (message: string): void
  (fields: object, message?: string): void
}

/** A log with four levels. `openLog` in pino-log.ts opens the one of the service. */
export type Log = { debug: LogMethod; info: LogMethod; warn: LogMethod; error: LogMethod }

/** The values of `ORCHESTRATOR_LOG_LEVEL`, from the most to the least detailed. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const

/** A value of `ORCHESTRATOR_LOG_LEVEL`. */
export type LogLevel = (typeof LOG_LEVELS)[number]

function ignore(): void {}

/** A log that writes nothing, for tests and one-shot commands. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/**
 * Says in one sentence what arrived or what became of it, with its particulars for programs that
 * read the log.
 */
export type Activity = (about: object, sentence: string) => void

/** Says it to people, as `dev` does; otherwise only at DEBUG, because there is so much of it. */
export function activityOn(log: Log, isShown: boolean): Activity {
  return (about, sentence) => log[isShown ? 'info' : 'debug']({ about }, sentence)
}

/** Says nothing. */
export const noActivity: Activity = ignore
