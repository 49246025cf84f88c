// Opens the connections of deliveries: none to an address the guard refuses, and each with what is
// to be known about it afterwards.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { LookupAddress, LookupOptions } from 'node:dns'
import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction, Socket } from 'node:net'
import { buildConnector } from 'undici'
import type { AddressGuard, Target } from '../lib/address-guard.ts'
import { ADDRESS_REFUSED } from '../lib/address-guard.ts'

/** How connections are made. */
export type Connecting = {
  guard: AddressGuard
  /** Asks the name server. Default: the system's. */
  lookup?: LookupFunction | undefined
  /** The longest it may take, TLS included. */
  timeoutMs: number
}

/** How long each step of a connection took, in ms, where there was one; and whom it leads to. */
export type Connection = { dns: number | null; connect: number | null; tls: number | null; peer: string | null }

/** A connection the guard does not allow. Its sentence goes to callers, and names no address. */
export class AddressRefused extends Error {
  readonly code = 'address_refused'

  constructor(problem: string) {
    super(`The URL ${problem}.`)
  }
}

type Opening = { target: Target; watch: ReturnType<typeof stopwatch> }

const connections = new WeakMap<object, Connection>()

/** What is known of the connection of a socket, or of one that ended with this error. */
export function connectionOf(socketOrError: object): Connection | null {
  return connections.get(socketOrError) ?? null
}

/**
 * Connects to what the guard allows: by the host as it is written, by every answer of the name
 * server, and by the peer that was reached in the end.
 */
export function openConnector({ guard, lookup = systemLookup, timeoutMs }: Connecting): buildConnector.connector {
  const opening = new AsyncLocalStorage<Opening>()
  const connect = buildConnector({
    timeout: timeoutMs,
    allowH2: false,
    lookup(hostname, options, callback) {
      const current = opening.getStore()
      resolve(lookup, hostname, options, (error, answers) => {
        current?.watch.resolved()
        const [first] = answers
        if (error !== null) callback(error, '')
        else if (first === undefined || current === undefined || !permitsAll(guard, current.target, answers)) {
          callback(new AddressRefused(ADDRESS_REFUSED), '')
        } else if (options.all) callback(null, answers)
        else callback(null, first.address, first.family)
      })
    },
  })
  // Node asks `lookup` nothing about a host that is an address already.
  return (target, callback) =>
    guarded(guard, target, callback, () => {
      const watch = stopwatch(target)
      const settle: buildConnector.Callback = (...[error, connected]) => {
        if (error !== null) {
          if (!(error instanceof AddressRefused)) connections.set(error, watch.connection())
          callback(error, null)
        } else {
          connections.set(connected, { ...watch.connection(), peer: peerOf(connected) })
          callback(null, connected)
        }
      }
      // undici's connector returns its socket, although its types do not say so.
      const socket = opening.run({ target, watch }, () => connect(target, settle) as unknown as Socket)
      // Before anything is said to the peer, TLS included.
      socket.prependOnceListener('connect', () => {
        watch.connected()
        const problem = peerProblem(guard, target, socket)
        if (problem !== null) socket.destroy(problem)
      })
    })
}

/**
 * Puts the guard in front of a way to connect that leads through a proxy. It resolves the name
 * again by itself, so what does not resolve here is left to it.
 */
export function guardedTunnel(
  tunnel: buildConnector.connector,
  { guard, lookup = systemLookup }: Connecting,
): buildConnector.connector {
  return (options, callback) =>
    guarded(guard, options, callback, () => {
      const startedAt = performance.now()
      resolve(lookup, options.hostname, {}, (_error, answers) => {
        if (!permitsAll(guard, options, answers)) {
          callback(new AddressRefused(ADDRESS_REFUSED), null)
          return
        }
        const resolvedAt = performance.now()
        tunnel(options, (...[error, socket]) => {
          const connection = { dns: resolvedAt - startedAt, connect: performance.now() - resolvedAt, tls: null }
          connections.set(error ?? socket, { ...connection, peer: error === null ? peerOf(socket) : null })
          if (error === null) callback(null, socket)
          else callback(error, null)
        })
      })
    })
}

function guarded(
  guard: AddressGuard,
  options: buildConnector.Options,
  callback: buildConnector.Callback,
  connect: () => void,
): void {
  const problem = guard.problemOf(options)
  if (problem === null) connect()
  else callback(new AddressRefused(problem), null)
}

type Answered = (error: NodeJS.ErrnoException | null, answers: LookupAddress[]) => void

function resolve(lookup: LookupFunction, hostname: string, options: LookupOptions, answered: Answered): void {
  lookup(hostname, { ...options, all: true }, (error, answers) =>
    answered(error, error === null && Array.isArray(answers) ? answers : []),
  )
}

function permitsAll(guard: AddressGuard, target: Target, answers: readonly LookupAddress[]): boolean {
  return answers.every(({ address }) => guard.permits(target, address))
}

// Whatever happened between the answer of the name server and now, this is who will be spoken to.
function peerProblem(guard: AddressGuard, target: Target, socket: Socket): Error | null {
  const { remoteAddress } = socket
  if (remoteAddress === undefined) return Object.assign(new Error('The connection ended.'), { code: 'ECONNRESET' })
  return guard.permits(target, remoteAddress) ? null : new AddressRefused(ADDRESS_REFUSED)
}

function peerOf({ remoteAddress, remotePort }: Socket): string | null {
  if (remoteAddress === undefined) return null
  return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
}

function stopwatch({ protocol }: Target) {
  const startedAt = performance.now()
  let resolvedAt: number | null = null
  let connectedAt: number | null = null
  return {
    resolved() {
      resolvedAt = performance.now()
    },
    connected() {
      connectedAt = performance.now()
    },
    /** The steps so far; what came after connecting is TLS. */
    connection(): Connection {
      return {
        dns: resolvedAt && resolvedAt - startedAt,
        connect: connectedAt && connectedAt - (resolvedAt ?? startedAt),
        tls: protocol === 'https:' ? connectedAt && performance.now() - connectedAt : null,
        peer: null,
      }
    },
  }
}
