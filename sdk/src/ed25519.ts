// Ed25519 on WebCrypto: signing with a private key, verifying with public ones. Node 20, Deno, Bun
// and Workers have it; browsers since 2025.
import { concatBytes, fromBase64, toBase64 } from './bytes.ts'
import { privateKeySeed, publicKeyBytes } from './ed25519-key.ts'

// What stands before the 32 bytes of a private key in PKCS #8 (RFC 8410), the only form but JWK in
// which WebCrypto imports one.
const PKCS8 = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32])

/**
 * The signature of a message in base64, by a key `whsk_…`.
 * @throws WebhookVerificationError `invalid_secret` when it is no such key.
 */
export async function signEd25519(privateKey: string, message: Uint8Array<ArrayBuffer>): Promise<string> {
  const encoded = concatBytes(PKCS8, privateKeySeed(privateKey))
  const key = await crypto.subtle.importKey('pkcs8', encoded, 'Ed25519', false, ['sign'])
  return toBase64(new Uint8Array(await crypto.subtle.sign('Ed25519', key, message)))
}

/** A public key that signatures are verified with. */
export type PublicKey = { verify(signature: string, message: Uint8Array<ArrayBuffer>): Promise<boolean> }

/**
 * A key `whpk_…`, ready to verify signatures in base64.
 * @throws WebhookVerificationError `invalid_secret` when it is no such key.
 */
export function publicKey(text: string): PublicKey {
  const bytes = concatBytes(publicKeyBytes(text))
  return {
    async verify(signature, message) {
      const key = await crypto.subtle.importKey('raw', bytes, 'Ed25519', false, ['verify'])
      return crypto.subtle.verify('Ed25519', key, concatBytes(fromBase64(signature) ?? ''), message)
    },
  }
}
