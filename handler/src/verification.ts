// Whether a request was signed with the shared secret.
import { verifyAgenta, verifyStandard } from '@signalbox/sdk'
import { hasStandardHeaders } from '@signalbox/sdk/scheme'
import { verificationFailure } from '../../src/lib/verification.ts'
import type { Settings } from './options.ts'

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
    throw verificationFailure(error)
  }
}
