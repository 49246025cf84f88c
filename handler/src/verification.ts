// Whether a request comes from somebody who knows the secret.
import { verifyAgenta, verifyStandard, WebhookVerificationError } from '@signalbox/sdk'
import { hasStandardHeaders } from '@signalbox/sdk/scheme'
import { AppError } from '../../src/lib/error.ts'
import type { Settings } from './options.ts'

const CODES = {
  missing_header: 'header_missing',
  malformed_header: 'header_invalid',
  malformed_body: 'body_invalid',
  timestamp_too_old: 'signature_invalid',
  timestamp_too_new: 'signature_invalid',
  signature_mismatch: 'signature_invalid',
  no_secret: 'source_closed',
  invalid_secret: 'source_closed',
} as const

/**
 * Verifies Standard Webhooks, or `X-Agenta-Signature` in either of its forms. If any header of
 * Standard Webhooks is there, only that scheme counts: otherwise removing one header would skip its
 * timestamp.
 * @throws AppError `header_missing`, `header_invalid` or `signature_invalid`.
 */
export async function verify(headers: Headers, body: Uint8Array, { secrets, now }: Settings): Promise<void> {
  const input = { headers, body, secrets, nowSeconds: now() / 1000 }
  try {
    await (hasStandardHeaders(headers) ? verifyStandard(input) : verifyAgenta(input))
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error
    throw new AppError(CODES[error.code], error.message)
  }
}
