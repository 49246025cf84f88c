// How many connections a server has at once, and how many requests each.
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientAddresses } from './client-address.ts'
import { networkOf } from './client-address.ts'

const BODY = JSON.stringify({ code: 'rate_limited', detail: 'Too many connections at once.' })
const FULL = [
  'HTTP/1.1 429 Too Many Requests',
  'content-type: application/json',
  `content-length: ${BODY.length}`,
  'retry-after: 10',
  'connection: close',
  '',
  BODY,
].join('\r\n')

/**
 * The request it is at, and when that began or the last one ended, counted in requests. It is
 * changed in place: a map whose entries are replaced all the time keeps the requests of its former
 * tables in memory, and ingest took a fifth longer over collecting them.
 */
type Use = { request: IncomingMessage | null; since: number; inFlight: number; from: string | null }

/** How many connections there may be: in all, and from one client that is not a trusted proxy. */
export type ConnectionLimits = {
  max: number
  maxPerClient: number
  isProxy: ClientAddresses['isProxy']
  /** Called when one is refused. */
  onRefused?: (remote: string) => void
}

// A sender that waits for no answer is rare, and one that is answered later than it sends would
// fill the memory: a request of 30 bytes takes some 10 kB.
const MAX_IN_FLIGHT = 16

/**
 * Keeps a server at no more than `max` connections, and each client at no more than `maxPerClient`,
 * and returns all. For one more, that which has been without a whole request for the longest time
 * is closed, of the same client where that has too many: many that send nothing, or never all of
 * it, keep none out that does. While every other one is being answered, the new one is refused. A
 * connection with more than 16 requests that are not answered yet is closed.
 */
export function boundConnections(server: Server, limits: ConnectionLimits): Iterable<Socket> {
  const { max, maxPerClient, isProxy, onRefused } = limits
  const open = new Map<Socket, Use>()
  const perClient = new Map<string, number>()
  let count = 0
  const turnTo = (use: Use, request: IncomingMessage | null) => Object.assign(use, { request, since: count++ })
  const forget = (socket: Socket) => {
    const from = open.get(socket)?.from ?? null
    if (!open.delete(socket) || from === null) return
    const left = (perClient.get(from) ?? 1) - 1
    if (left === 0) perClient.delete(from)
    else perClient.set(from, left)
  }
  const makeRoomFor = (newest: Socket, from: string | null) => {
    let longest: Socket | undefined
    let since = Number.POSITIVE_INFINITY
    for (const [socket, use] of open) {
      if (socket === newest || use.request?.complete || use.since > since) continue
      if (from !== null && use.from !== from) continue
      longest = socket
      since = use.since
    }
    forget(longest ?? newest)
    if (longest) {
      longest.destroy()
      return
    }
    onRefused?.(newest.remoteAddress ?? 'unknown')
    newest.end(FULL, () => newest.destroy())
  }
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket
    const from = isProxy(remoteAddress) ? null : networkOf(remoteAddress)
    const ofClient = from === null ? 0 : (perClient.get(from) ?? 0) + 1
    if (from !== null) perClient.set(from, ofClient)
    open.set(socket, { request: null, since: count++, inFlight: 0, from })
    socket.once('close', () => forget(socket))
    if (ofClient > maxPerClient) makeRoomFor(socket, from)
    else if (open.size > max) makeRoomFor(socket, null)
  })
  server.prependListener('request', (request, response) => {
    const use = open.get(request.socket)
    if (use === undefined) return
    if (++use.inFlight > MAX_IN_FLIGHT) request.socket.destroy()
    turnTo(use, request)
    response.once('close', () => {
      use.inFlight--
      turnTo(use, null)
    })
  })
  return { [Symbol.iterator]: () => open.keys() }
}
