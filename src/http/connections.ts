// How many connections a server has at once.
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
 * Keeps a server at no more than `max` connections, and returns them. For one more, that which has
 * been without a whole request for the longest time is closed: many that send nothing, or never all
 * of it, keep none out that does. While every other one is being answered, the new one is refused.
 */
export function boundConnections(server: Server, max: number): Iterable<Socket> {
  // In the order in which each last began or ended a request.
  const open = new Map<Socket, IncomingMessage | null>()
  const move = (socket: Socket, request: IncomingMessage | null) => {
    if (open.delete(socket)) open.set(socket, request)
  }
  const makeRoomFor = (newest: Socket) => {
    for (const [socket, request] of open) {
      if (socket === newest || request?.complete) continue
      open.delete(socket)
      socket.destroy()
      return
    }
    open.delete(newest)
    newest.end(FULL, () => newest.destroy())
  }
  server.on('connection', (socket: Socket) => {
    open.set(socket, null)
    socket.once('close', () => open.delete(socket))
    if (open.size > max) makeRoomFor(socket)
  })
  server.prependListener('request', (request, response) => {
    move(request.socket, request)
    response.once('close', () => move(request.socket, null))
  })
  return { [Symbol.iterator]: () => open.keys() }
}
