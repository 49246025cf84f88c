// Which endpoints need the signing key of the installation.
import { AppError } from '../lib/error.ts'

/**
 * Refuses an endpoint whose deliveries nobody could sign as it asks.
 * @throws AppError `input_invalid` for `ed25519` where there is no signing key.
 */
export function requireSigningKey(
  { signatures = [] }: { signatures?: readonly string[] | undefined },
  { hasKey }: { hasKey: boolean },
): void {
  if (hasKey || !signatures.includes('ed25519')) return
  throw new AppError(
    'input_invalid',
    'signatures: "ed25519" needs a signing key, and this server has none: set SIGNALBOX_SIGNING_KEY to what ' +
      '"signalbox secret generate --ed25519" prints, and restart it.',
  )
}
