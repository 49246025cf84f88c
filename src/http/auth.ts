// Who may call the API: the bearer of the token, or, in development, anyone on this machine.
import { createHash, timingSafeEqual } from 'node:crypto'
import { AppError } from '../lib/error.ts'

/**
 * How the API is guarded: by a token, open to loopback (`signalbox dev`), or closed because no
 * token was set.
 */
export type Access = { kind: 'token'; token: string } | { kind: 'loopback' } | { kind: 'closed' }

/** How the API of a process is guarded: `dev` needs no token on this machine. */
export function accessFor(mode: 'dev' | 'serve', token: string | undefined): Access {
  if (token !== undefined) return { kind: 'token', token }
  return { kind: mode === 'dev' ? 'loopback' : 'closed' }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host']

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isLoopbackOrigin(origin: string): boolean {
  return URL.canParse(origin) && LOOPBACK.test(new URL(origin).host)
}

/**
 * Lets a request pass that may use the API.
 * @throws AppError `token_invalid` when it may not, or `api_closed` when the server has no
 * token.
 */
export function authorise(access: Access, headers: { get(name: string): string | null }): void {
  if (access.kind === 'closed') {
    throw new AppError('api_closed')
  }
  if (access.kind === 'token') {
    const given = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? ''
    // Digests have one length, so the comparison shows nothing of the token's.
    if (!timingSafeEqual(digest(given), digest(access.token))) throw new AppError('token_invalid')
    return
  }
  // A web page may reach loopback too, by a name that resolves there or across origins, and anybody
  // through a tunnel that brings webhooks here and calls itself localhost: these headers show it.
  const origin = headers.get('origin')
  const isForeign = origin !== null && !isLoopbackOrigin(origin)
  const isForwarded = FORWARDED.some((name) => headers.get(name) !== null)
  if (!LOOPBACK.test(headers.get('host') ?? '') || isForeign || isForwarded) {
    throw new AppError('token_invalid', 'In development the API answers to this machine only.')
  }
}
