// Ed25519, by the key of this installation: signatures that every receiver can verify with a public
// key, and that no receiver can make.
import type { KeyObject } from 'node:crypto'
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { privateKeySeed, writePrivateKey, writePublicKey } from '@signalbox/sdk/scheme'

/** Signs with the key of this installation. */
export type Ed25519Signer = {
  /** The signature of these bytes in base64; in `webhook-signature`, `v1a,` precedes it. */
  sign(message: Uint8Array): string
}

/** A public key as a JWK set has it (RFC 8037); `kid` is its thumbprint (RFC 7638). */
export type PublicJwk = { kty: 'OKP'; crv: 'Ed25519'; x: string; kid: string; use: 'sig'; alg: 'EdDSA' }

// What stands before the 32 bytes of a private key in PKCS #8 (RFC 8410).
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The signer by the first of these keys, `whsk_…`; undefined without any. */
export function ed25519Signer(keys: readonly string[]): Ed25519Signer | undefined {
  const [first] = keys
  if (first === undefined) return undefined
  const key = keyObject(first)
  return { sign: (message) => sign(null, message, key).toString('base64') }
}

/** What a receiver verifies with: the public keys of all of these. */
export function publicJwks(keys: readonly string[]): PublicJwk[] {
  return [...new Set(keys.map(publicBytes).map((bytes) => bytes.toString('base64url')))].map((x) => ({
    kty: 'OKP',
    crv: 'Ed25519',
    x,
    kid: createHash('sha256')
      .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
      .digest('base64url'),
    use: 'sig',
    alg: 'EdDSA',
  }))
}

/** The public key of a private one, in the form that is passed to receivers: `whpk_…`. */
export function publicKeyOf(key: string): string {
  return writePublicKey(publicBytes(key))
}

/** A new key, `whsk_…`. */
export function generateSigningKey(): string {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return writePrivateKey(Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url'))
}

function keyObject(key: string): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, privateKeySeed(key)]), format: 'der', type: 'pkcs8' })
}

function publicBytes(key: string): Buffer {
  const { x = '' } = createPublicKey(keyObject(key)).export({ format: 'jwk' })
  return Buffer.from(x, 'base64url')
}
