// The public keys of this server, by which anybody can verify what it delivers.
import { Hono } from 'hono'
import { publicJwks } from '../deliveries/sign-ed25519.ts'
import { methodNotAllowed } from './errors.ts'
import { respond } from './respond.ts'

const PATH = '/.well-known/webhooks-jwks.json'
// A receiver that keeps the keys for so long, and no longer, follows every replacement.
const KEPT_SECONDS = 300

/**
 * Mounts `GET /.well-known/webhooks-jwks.json`, for everybody: the JWK set (RFC 7517) of these
 * signing keys, which is empty without any.
 */
export function jwksRoutes(signingKeys: readonly string[]): Hono {
  const set = { keys: publicJwks(signingKeys) }
  const headers = {
    'content-type': 'application/jwk-set+json',
    'cache-control': `public, max-age=${KEPT_SECONDS}`,
    'access-control-allow-origin': '*',
  }
  return new Hono().get(PATH, () => respond(set, { headers })).all(PATH, methodNotAllowed('GET'))
}
