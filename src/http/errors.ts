// Errors as they are answered: expected ones as `{code, detail}`, anything else as "internal error"
// with a request id to look up in the log.
import { randomUUID } from 'node:crypto'
import { HTTPException } from 'hono/http-exception'
import { AppError, errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { respond } from './respond.ts'

/** Writes a warning. */
type Warn = (about: object, sentence: string) => void

/**
 * The answer to a failed request, such as `GET /api/jobs`. `warn` is for what is expected to fail
 * many requests at once.
 */
export function errorResponse(
  error: unknown,
  log: Log,
  request = 'a request',
  warn: Warn = (about, sentence) => log.warn(about, sentence),
): Response {
  if (error instanceof AppError) {
    // The cause is for the log only: it may name hosts and users.
    if (error.cause !== undefined) {
      const reason = errorText(error.cause)
      warn({ code: error.code, reason }, `${request} could not be served: ${reason}`)
    }
    return respond({ code: error.code, detail: error.detail }, { status: error.status, headers: error.headers })
  }
  // Hono refuses a malformed request with a status of its own.
  if (error instanceof HTTPException && error.status < 500) {
    return errorResponse(new AppError('body_invalid', error.message), log, request, warn)
  }
  const requestId = randomUUID()
  log.error({ requestId, err: error }, `unexpected error while serving ${request}`)
  return respond({ code: 'internal', detail: 'internal error', request_id: requestId }, { status: 500 })
}

const MAX_PATH_CHARS = 200

/** What was asked for, as errors and the log name it: `GET /api/jobs`. */
export function requestText({ method, path }: { method: string; path: string }): string {
  return `${method} ${path.slice(0, MAX_PATH_CHARS)}`
}

/** @throws AppError `not_found` */
export function nothingAt({ req }: { req: { method: string; path: string } }): never {
  throw new AppError('not_found', `There is nothing at ${requestText(req)}.`)
}

/** Says which methods an address takes. */
export function methodNotAllowed(...allowed: string[]) {
  return (): never => {
    throw new AppError('method_not_allowed', `Use ${allowed.join(' or ')}.`, { headers: { allow: allowed.join(', ') } })
  }
}
