// A receiver of deliveries, which remembers what it was sent, and refuses some of it.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { listenOnLoopback } from '../loopback-server.ts'
import type { Log } from './journal.ts'
import type { Sent } from './senders-log.ts'

// Every so many requests: an answer that says no, and none at all, though it was received.
const REFUSED_EVERY = 40
const UNANSWERED_EVERY = 55

/** Opens it. */
export async function openSubscriber(log: Log<Sent>) {
  let count = 0
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => null)
    // Its sender was killed.
    if (body === null) return
    count++
    const status = count % REFUSED_EVERY === 0 ? 500 : 200
    const sha256 = createHash('sha256').update(body).digest('hex')
    log.write({ what: 'received', id: String(request.headers['webhook-id']), sha256, status })
    if (count % UNANSWERED_EVERY === 0) request.socket.destroy()
    else response.writeHead(status).end()
  })
  const { port, close } = await listenOnLoopback(server)
  return { url: `http://127.0.0.1:${port}/`, close: async () => close() }
}
