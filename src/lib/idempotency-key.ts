// The `Idempotency-Key` of a request: one rule for everything that may be repeated under it.
import { AppError } from './error.ts'

/**
 * Checks an `Idempotency-Key`: 1 to 255 visible ASCII characters; null when there is none.
 * @throws AppError `header_invalid` when it is anything else.
 */
export function readIdempotencyKey(key: string | null | undefined): string | null {
  if (key === null || key === undefined) return null
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new AppError('header_invalid', 'Idempotency-Key: must be 1 to 255 visible ASCII characters.')
}
