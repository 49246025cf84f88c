// How many connections a server has at once, and how many requests each.
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'

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
type Use = { request: IncomingMessage | null; since: number; inFlight: number }

// A sender that waits for no answer is rare, and one that is answered later than it sends would
// fill the memory: a request of 30 bytes takes some 10 kB.
const MAX_IN_FLIGHT = 16

/**
 * Keeps a server at no more than `max` connections, and returns them. For one more, that which has
 * been without a whole request for the longest time is closed: many that send nothing, or never all
 * of it, keep none out that does. While every other one is being answered, the new one is refused.
 * A connection with more than 16 requests that are not answered yet is closed.
 */
export function boundConnections(server: Server, max: number): Iterable<Socket> {
  const open = new Map<Socket, Use>()
  let count = 0
  const turnTo = (use: Use, request: IncomingMessage | null) => Object.assign(use, { request, since: count++ })
  const makeRoomFor = (newest: Socket) => {
    let longest: Socket | undefined
    let since = Number.POSITIVE_INFINITY
    for (const [socket, use] of open) {
      if (socket === newest || use.request?.complete || use.since > since) continue
      longest = socket
      since = use.since
    }
    open.delete(longest ?? newest)
    if (longest) longest.destroy()
    else newest.end(FULL, () => newest.destroy())
  }
  server.on('connection', (socket: Socket) => {
    open.set(socket, { request: null, since: count++, inFlight: 0 })
    socket.once('close', () => open.delete(socket))
    if (open.size > max) makeRoomFor(socket)
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
