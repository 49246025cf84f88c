// The secrets of an endpoint between the two forms they have: plain, to sign and send with, and
// sealed, as they are stored.
import { AppError } from '../lib/error.ts'
import type { Seal } from './seal.ts'
import { fingerprint } from './seal.ts'

/** One signing secret as it is stored. */
export type StoredSecret = {
  sealed: string
  fingerprint: string
  created_at: string
  /** From then on it signs nothing; null while it is not being replaced. */
  expires_at: string | null
}

/** What an endpoint's row has sealed. */
export type SealedColumns = {
  /** The newest first. */
  secrets: StoredSecret[]
  headers: Record<string, string>
  credential: string | null
}

/** The same in clear; expired secrets included. */
export type PlainSecrets = { secrets: string[]; headers: Record<string, string>; credential: string | null }

/**
 * Seals what an endpoint is to have. A secret that it has already keeps the time it was
 * created.
 * @throws AppError `encryption_key_missing` when there is no key.
 */
export function sealColumns(
  seal: Seal,
  id: string,
  plain: PlainSecrets,
  { at, before = [] }: { at: Date; before?: readonly StoredSecret[] | undefined },
): SealedColumns {
  const createdAt = (print: string) => before.find((each) => each.fingerprint === print)?.created_at
  return {
    secrets: plain.secrets.map((secret) => {
      const stored = sealSecret(seal, id, secret, at)
      return { ...stored, created_at: createdAt(stored.fingerprint) ?? stored.created_at }
    }),
    headers: sealAll(seal, id, plain.headers),
    credential: plain.credential === null ? null : seal.seal(id, plain.credential),
  }
}

/** A new signing secret, sealed. */
export function sealSecret(seal: Seal, id: string, secret: string, at: Date): StoredSecret {
  return {
    sealed: seal.seal(id, secret),
    fingerprint: fingerprint(secret),
    created_at: at.toISOString(),
    expires_at: null,
  }
}

/** Seals every value. */
export function sealAll(seal: Seal, id: string, values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, seal.seal(id, value)]))
}

/** What the columns hold; null when one of them cannot be opened. */
export function openColumns(seal: Seal, id: string, sealed: SealedColumns): PlainSecrets | null {
  const open = (text: string) => seal.open(id, text)
  try {
    return {
      secrets: sealed.secrets.map((secret) => open(secret.sealed)),
      headers: Object.fromEntries(Object.entries(sealed.headers).map(([name, value]) => [name, open(value)])),
      credential: sealed.credential === null ? null : open(sealed.credential),
    }
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}
