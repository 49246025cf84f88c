// Secrets as they are stored: sealed by AES-256-GCM, each for the one endpoint it belongs to.
import type { KeyObject } from 'node:crypto'
import { createCipheriv, createDecipheriv, createHash, createSecretKey, randomBytes } from 'node:crypto'
import { AppError } from '../lib/error.ts'

const CIPHER = 'aes-256-gcm'
// NIST SP 800-38D §8.2.2: 96 random bits are enough for 2³² texts of one key.
const IV_BYTES = 12
const TAG_BYTES = 16

/** Seals and opens the secrets of endpoints. */
export type Seal = {
  /** The ids of the keys, the one that seals first; none when no key is set. */
  keyIds: readonly string[]
  /**
   * The text sealed by the first key: `v1.<key id>.<base64url of iv, tag and ciphertext>`.
   * @throws AppError `encryption_key_missing` when there is no key.
   */
  seal(endpointId: string, text: string): string
  /**
   * What was sealed for this endpoint.
   * @throws AppError `secret_unreadable` when its key is not there, or it was changed or moved.
   */
  open(endpointId: string, sealed: string): string
}

/** A seal over keys, each base64 of 32 bytes: the first one seals, all of them open. */
export function openSeal(keys: readonly string[]): Seal {
  const known = new Map(keys.map((key) => keyOf(Buffer.from(key, 'base64'))))
  const [first] = known
  return {
    keyIds: [...known.keys()],
    seal(endpointId, text) {
      if (first === undefined) throw new AppError('encryption_key_missing')
      const [keyId, key] = first
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(endpointId))
      const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return `v1.${keyId}.${Buffer.concat([iv, cipher.getAuthTag(), ciphertext]).toString('base64url')}`
    },
    open(endpointId, sealed) {
      const [, , body = ''] = sealed.split('.')
      const keyId = keyIdOf(sealed)
      const key = known.get(keyId)
      if (key === undefined) {
        throw new AppError('secret_unreadable', `The encryption key ${keyId} is not in SIGNALBOX_ENCRYPTION_KEY.`)
      }
      try {
        const bytes = Buffer.from(body, 'base64url')
        const iv = bytes.subarray(0, IV_BYTES)
        const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(endpointId)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
        return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
      } catch (cause) {
        const detail = `A stored secret of endpoint ${endpointId} was changed, or belongs to another one.`
        throw new AppError('secret_unreadable', detail, { cause })
      }
    },
  }
}

/** The id of the key that a text was sealed with. */
export function keyIdOf(sealed: string): string {
  return sealed.split('.')[1] ?? ''
}

/** What a secret is recognised by without being shown: 8 hexadecimal digits of its SHA-256. */
export function fingerprint(secret: string | Uint8Array): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8)
}

function keyOf(bytes: Buffer): [id: string, key: KeyObject] {
  return [fingerprint(bytes), createSecretKey(bytes)]
}
