// Checks the RS256 JSON web token with which an App speaks for itself.
import { createVerify } from 'node:crypto'
import { GithubError } from './github-error.ts'
import type { Hub } from './hub.ts'
import type { App } from './state.ts'

const MAX_LIFE_SECONDS = 600
const CLOCK_DRIFT_SECONDS = 60

/**
 * The App that a token was signed by.
 * @throws GithubError 401 when it is malformed, wrongly signed, expired or valid for too long; 404
 * for an unknown App.
 * https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 */
export function verifyAppToken(hub: Hub, jwt: string): App {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const head = decode(header)
  const claims = decode(payload)
  if (head.alg !== 'RS256') throw undecodable()
  const app = hub.state.apps.get(Number(claims.iss))
  if (!app) throw new GithubError(404, 'Integration not found')
  const verifier = createVerify('RSA-SHA256').update(`${header}.${payload}`)
  if (!verifier.verify(app.publicKeyPem, signature, 'base64url')) throw undecodable()
  checkTimes(claims, Math.floor(hub.clock() / 1000))
  return app
}

function checkTimes({ iat, exp }: Record<string, unknown>, now: number): void {
  if (!Number.isInteger(iat) || Number(iat) > now + CLOCK_DRIFT_SECONDS) {
    throw new GithubError(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    )
  }
  if (!Number.isInteger(exp) || Number(exp) <= now) {
    throw new GithubError(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    )
  }
  if (Number(exp) > now + MAX_LIFE_SECONDS) {
    throw new GithubError(401, "'Expiration time' claim ('exp') is too far in the future")
  }
}

function decode(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  } catch {
    throw undecodable()
  }
}

function undecodable(): GithubError {
  return new GithubError(401, 'A JSON web token could not be decoded')
}
