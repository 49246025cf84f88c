// What a failed command says and with which code it ends.
import { SignalboxError } from '@signalbox/sdk/client'
import { CommanderError } from 'commander'
import { AppError, ERRORS, errorText } from '../lib/error.ts'
import { systemFailure, tlsFailure } from '../lib/system-error.ts'
import { EXIT } from './exit-code.ts'
import { json, plain, sentence } from './text.ts'

/** An expected failure of the command line itself, with its own line saying what to do. */
export class CliError extends Error {
  override name = 'CliError'
  readonly code: string
  readonly hint: string

  constructor(code: string, detail: string, hint: string, options?: { cause?: unknown }) {
    super(detail, options)
    this.code = code
    this.hint = hint
  }
}

/**
 * What was asked of the server; a conflict says what to do about this one, which only the command
 * knows.
 */
export async function onConflict<T>(hint: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'conflict') throw error
    throw new CliError(error.code, error.detail, hint, { cause: error })
  }
}

/** Ends a command that has already said everything, with exit code 1. */
export class Unsuccessful extends Error {
  override name = 'Unsuccessful'
}

/** A failure in words. `message` is the general sentence when the detail is a particular one. */
export type Failure = { code: string; message?: string; detail: string; hint: string; exitCode: number }

// The table speaks to a caller of the API; at the command line the remedy is another one.
const CLI_HINTS = new Map(
  Object.entries({
    token_invalid: 'Set SIGNALBOX_API_TOKEN to the token the server was started with.',
    api_closed: 'Start the server with SIGNALBOX_API_TOKEN set ("signalbox secret generate" makes one).',
    not_found:
      'Lists show what there is, with ids: signalbox events ls, jobs ls, deliveries ls, endpoints ls, deployments ls, findings ls, nodes ls, gaps ls, pause ls, rules ls, agents ls, sources.',
    unreachable: 'Start one with: signalbox dev   (or set SIGNALBOX_URL to the address of a running one)',
    database_unavailable: 'Check DATABASE_URL; "signalbox doctor" says more.',
    internal: 'Look for the request in the log of the server.',
  }),
)
/** What to do when it is not a Signalbox that answers. */
export const NOT_SIGNALBOX = 'Check that SIGNALBOX_URL is the address of a Signalbox.'

function hintFor(code: string): string {
  return CLI_HINTS.get(code) ?? rowOf(code)?.hint ?? NOT_SIGNALBOX
}

function rowOf(code: string) {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS] : undefined
}

function usageOf({ message }: CommanderError): Failure {
  const words = message.replace(/^error: /, '').replaceAll('\n', ' ')
  return {
    code: 'usage',
    detail: sentence(words),
    hint: 'Add --help to see how it is used.',
    exitCode: EXIT.usage,
  }
}

/**
 * Why the database cannot be reached is in the cause. An answer over HTTP must not show it, but
 * here it is read by whoever set the connection string.
 */
function detailOf({ code, detail, cause }: AppError): string {
  if (code !== 'database_unavailable' || cause === undefined) return detail
  return sentence(systemFailure(cause)?.reason ?? errorText(cause))
}

function fromServer({ status, code, detail, cause }: SignalboxError): Failure {
  const message = detail.includes('\n') ? rowOf(code)?.message : undefined
  const failure = {
    code,
    ...(message && { message }),
    detail: detail || `The server answered ${status}.`,
    exitCode: EXIT.failed,
  }
  const reason = innermost(cause)
  if (code !== 'unreachable' || !(reason instanceof Error)) return { ...failure, hint: hintFor(code) }
  const tls = tlsFailure(reason)
  const words = tls?.reason ?? systemFailure(reason)?.reason ?? errorText(reason)
  return { ...failure, detail: `${failure.detail} ${sentence(words)}`, hint: tls?.remedy ?? hintFor(code) }
}

/** What `fetch` and the like wrap says why; they themselves say only that it failed. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error
}

/** Puts anything thrown into words; what is not expected is a bug. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) return usageOf(error)
  if (error instanceof SignalboxError) return fromServer(error)
  if (error instanceof CliError) {
    const exitCode = error.code === 'usage' ? EXIT.usage : EXIT.failed
    return { code: error.code, detail: error.message, hint: error.hint, exitCode }
  }
  if (error instanceof AppError) {
    const { message } = ERRORS[error.code]
    const detail = detailOf(error)
    const general = message === detail ? {} : { message }
    return { code: error.code, ...general, detail, hint: hintFor(error.code), exitCode: EXIT.failed }
  }
  const system = systemFailure(error)
  if (system !== null) {
    return { code: 'system_error', detail: sentence(system.reason), hint: system.remedy, exitCode: EXIT.failed }
  }
  return {
    code: 'unexpected',
    message: 'Unexpected error.',
    detail: errorText(error),
    hint: 'Run it again with ORCHESTRATOR_LOG_LEVEL=DEBUG to see where it comes from, and report it: this is a bug.',
    exitCode: EXIT.bug,
  }
}

/**
 * The lines a person reads: what went wrong, the particulars, and what to do. A detail may have
 * the words of an event.
 */
export function failureText({ message, detail, hint }: Failure): string {
  const lines = [
    `signalbox: ${message ?? detail}`,
    ...(message ? detail.split('\n') : []).map((line) => `  ${line}`),
    `  → ${hint}`,
    '',
  ]
  return plain(lines.join('\n'))
}

/** The same as one JSON object, for `--json`. */
export function failureJson({ code, detail, hint }: Failure): string {
  return `${json({ code, detail, hint })}\n`
}
