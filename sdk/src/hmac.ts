// HMAC-SHA256 on WebCrypto, the one cryptography every runtime has.
import { concatBytes } from './bytes.ts'

/**
 * The 32 bytes of HMAC-SHA256 (RFC 2104) of a message. The key must not be empty: WebCrypto refuses
 * that.
 */
export async function hmacSha256(key: Uint8Array, message: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const imported = await crypto.subtle.importKey('raw', concatBytes(key), algorithm, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, message))
}
