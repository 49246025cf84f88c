// A webhook receiver on this machine that notes when each delivery of /quiet began to arrive. It
// answers all at once but those of /hangs, which wait for ever.
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerWith, ready } from '../parent.ts'

let arrived: Record<string, number> = {}
const hanging = new Set<ServerResponse>()

const server = createServer((request, response) => {
  const at = Number(process.hrtime.bigint()) / 1e6
  if (request.url === '/quiet') arrived[String(request.headers['x-agenta-delivery'])] ??= at
  request.resume()
  if (request.url === '/hangs') {
    hanging.add(response)
    response.once('close', () => hanging.delete(response))
  } else request.once('end', () => response.end())
})
answerWith(async () => {
  const answer = { arrived, hanging: hanging.size }
  arrived = {}
  return answer
})
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
