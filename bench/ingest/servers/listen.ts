// How a server of this benchmark listens: on a free port, which the runner learns.
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ready } from '../../parent.ts'

/** Serves with Node's own HTTP server. */
export function listen(handle: RequestListener): void {
  const server = createServer(handle)
  server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
}
