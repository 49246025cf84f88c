// Errors as answers: what a sender may read, and when it should try again.
import { AppError, errorText, GiveUp, RetryAt } from '../../src/lib/error.ts'

const NOT_OPENED = 'The pull request could not be opened.'

/**
 * The expected error that an error comes to. An outage of GitHub, a rate limit, or a bug:
 * either way there is no pull request, and the sender should send the webhook again.
 */
export function toAppError(error: unknown, now: () => number): AppError {
  if (error instanceof AppError) return error
  if (error instanceof GiveUp) return new AppError('forge_failed', errorText(error))
  if (error instanceof RetryAt) {
    const seconds = Math.max(1, Math.ceil((error.when.getTime() - now()) / 1000))
    return new AppError('forge_failed', NOT_OPENED, { cause: error, headers: { 'retry-after': String(seconds) } })
  }
  return new AppError('forge_failed', NOT_OPENED, { cause: error })
}

/** The answer as `{code, detail}`. */
export function errorResponse({ code, detail, status, headers }: AppError): Response {
  return Response.json({ code, detail }, { status, headers })
}
