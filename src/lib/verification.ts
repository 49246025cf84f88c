// A webhook that the SDK refuses, as one of this program's own errors.
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
}

/** What a verification threw, as the `AppError` it comes to; anything else as it is. */
export function refusedWebhook(error: unknown): unknown {
  if (!(error instanceof WebhookVerificationError)) return error
  return new AppError(CODES[error.code], `${error.message}.`)
}
