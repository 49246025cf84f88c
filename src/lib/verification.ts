// What the SDK refuses a request for, as the errors of this program.
import type { VerificationCode } from '@signalbox/sdk/scheme'
import { WebhookVerificationError } from '@signalbox/sdk/scheme'
import type { ErrorCode } from './error.ts'
import { AppError } from './error.ts'

const CODES: Record<VerificationCode, ErrorCode> = {
  missing_header: 'header_missing',
  malformed_header: 'header_invalid',
  malformed_body: 'body_invalid',
  timestamp_too_old: 'signature_invalid',
  timestamp_too_new: 'signature_invalid',
  signature_mismatch: 'signature_invalid',
  no_secret: 'source_closed',
  invalid_secret: 'config_invalid',
  keys_unavailable: 'config_invalid',
}

/** The AppError for a WebhookVerificationError; any other error as it is. */
export function verificationFailure(error: unknown): unknown {
  return error instanceof WebhookVerificationError ? new AppError(CODES[error.code], `${error.message}.`) : error
}
