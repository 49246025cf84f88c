// Public keys from a JWK set (RFC 7517): one that is passed, or one at an address, where a sender
// publishes its keys and replaces them.
import { fromBase64 } from './bytes.ts'
import { writePublicKey } from './ed25519-key.ts'
import { WebhookVerificationError } from './verification-error.ts'

/** A JWK set, as far as it is read: keys that are not ed25519 are passed over. */
export type JsonWebKeySet = {
  keys: readonly {
    kty?: string | undefined
    crv?: string | undefined
    /** The public key in base64url. */
    x?: string | undefined
    kid?: string | undefined
  }[]
}

/** The keys of an address, kept between requests. */
type Remote = { keys: readonly string[]; readAt: number; reading: Promise<readonly string[]> | null }

const TIMEOUT_MS = 5_000
const KEPT_MS = 5 * 60_000
// A forged request must not make this receiver ask the sender each time.
const READ_AGAIN_MS = 30_000

const remotes = new Map<string, Remote>()

/**
 * The ed25519 keys of a JWK set, as `whpk_…`.
 * @throws WebhookVerificationError `invalid_secret` when it has none.
 */
export function keysOfSet(set: unknown): readonly string[] {
  const keys = Object(set).keys
  if (!Array.isArray(keys)) throw new WebhookVerificationError('invalid_secret', 'a JWK set must have a list of keys')
  const found = keys.flatMap((key) => keyOf(Object(key)))
  if (found.length > 0) return found
  throw new WebhookVerificationError('invalid_secret', 'the JWK set has no ed25519 key')
}

/**
 * The keys that are published at an address; they are kept for five minutes. `again` asks for keys
 * that may be newer than those, at most twice a minute.
 * @throws WebhookVerificationError `keys_unavailable` when there is no answer, and
 * `invalid_secret` for an address that could be changed on the way.
 */
export async function keysAt(
  address: string,
  { again = false }: { again?: boolean | undefined } = {},
): Promise<readonly string[]> {
  const remote = remotes.get(address) ?? { keys: [], readAt: Number.NEGATIVE_INFINITY, reading: null }
  remotes.set(address, remote)
  const age = performance.now() - remote.readAt
  if (age < (again ? READ_AGAIN_MS : KEPT_MS)) return remote.keys
  // One request for all that wait.
  remote.reading ??= read(address).finally(() => {
    remote.reading = null
  })
  remote.keys = await remote.reading
  remote.readAt = performance.now()
  return remote.keys
}

async function read(address: string): Promise<readonly string[]> {
  requireSafe(address)
  try {
    // Not 'error', which Workers do not know: a redirect is no success either way.
    const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' })
    if (!response.ok) throw new Error(`it answered ${response.status}`)
    return keysOfSet(await response.json())
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new WebhookVerificationError('keys_unavailable', `no public keys from ${address}: ${why}`)
  }
}

/** Whoever could change the answer could sign. */
function requireSafe(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : null
  const isHere = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (url?.protocol === 'https:' || isHere) return
  throw new WebhookVerificationError('invalid_secret', 'the address of a JWK set must be https:')
}

function keyOf({ kty, crv, x }: Record<string, unknown>): string[] {
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') return []
  const bytes = fromBase64(x.replaceAll('-', '+').replaceAll('_', '/'))
  return bytes?.length === 32 ? [writePublicKey(bytes)] : []
}
