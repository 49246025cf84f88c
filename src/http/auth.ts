// Who may call the API: the bearer of the token. In development a bare trigger needs none.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../lib/error.ts'
import { isLoopback } from '../lib/loopback.ts'

/** How the API is guarded: by a token, or closed because there is none. */
export type Access = { kind: 'token'; token: string } | { kind: 'closed' }

/** How the API of a process with this token is guarded. */
export function accessFor(token: string | undefined): Access {
  return token === undefined ? { kind: 'closed' } : { kind: 'token', token }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

// RFC 9110 §15.5.2, RFC 6750 §3.
const CHALLENGE = { headers: { 'www-authenticate': 'Bearer' } }

/**
 * Lets a request pass that may use the API.
 * @throws AppError `token_invalid` when it may not, or `api_closed` when the server has no
 * token.
 */
export function authorise(access: Access, headers: { get(name: string): string | null }): void {
  if (access.kind === 'closed') throw new AppError('api_closed')
  const given = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? ''
  // Digests have one length, so the comparison shows nothing of the token's.
  if (!timingSafeEqual(digest(given), digest(access.token))) throw new AppError('token_invalid', undefined, CHALLENGE)
}

/** Whether a request may use the API. */
export function isAuthorised(access: Access, authorization: string | undefined): boolean {
  try {
    authorise(access, { get: () => authorization ?? null })
    return true
  } catch {
    return false
  }
}

// What proxies, tunnels and content networks add to a request they pass on.
const FORWARDED =
  /^(via|forwarded|x-forwarded(-.*)?|x-real-ip|(true|x|x-cluster|fastly)-client-ip|x-original-.*|x-envoy-.*|cf-.*|ngrok-.*|tailscale-.*)$/
// What a browser says of a page's own requests, and of an address that a person typed.
const OWN_SITE = [undefined, 'same-origin', 'none']

function isOwnOrigin(origin: string | undefined): boolean {
  return origin === undefined || (URL.canParse(origin) && isLoopback(new URL(origin).host))
}

/**
 * Whether a request says nothing but that it was made on this machine: it has no body, no token,
 * and no header of another web page or of something that passed it on. A sender elsewhere can hide
 * all that behind a tunnel, so such a request may do only what is harmless from anywhere.
 */
export function isBareAndLocal(headers: IncomingHttpHeaders): boolean {
  const isBare = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
  return (
    isBare &&
    headers.authorization === undefined &&
    isLoopback(headers.host ?? '') &&
    isOwnOrigin(headers.origin) &&
    OWN_SITE.includes(headers['sec-fetch-site'] as string | undefined) &&
    !Object.keys(headers).some((name) => FORWARDED.test(name))
  )
}
