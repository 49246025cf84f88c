// The receiver as a Node server.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, receiver } from './receiver.ts'

const { SIGNALBOX_SECRET, SIGNALBOX_JWKS_URL, PORT } = process.env
if (!SIGNALBOX_SECRET && !SIGNALBOX_JWKS_URL) {
  console.error('Set SIGNALBOX_SECRET, or SIGNALBOX_JWKS_URL.')
  process.exit(1)
}

const receive = receiver({
  // Several, separated by commas, while one is replaced.
  secrets: SIGNALBOX_SECRET ? SIGNALBOX_SECRET.split(',').map((secret) => secret.trim()) : undefined,
  jwks: SIGNALBOX_JWKS_URL || undefined,
  work: (event) => console.log(`${event.id} ${describe(event)}`),
})

const server = createServer({ requestTimeout: 15_000 }, async (request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end()
  try {
    const { status, text } = await receive(request)
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`)
  } catch (error) {
    console.error(error)
    response.writeHead(500).end()
  }
})
server.listen(Number(PORT || 3000), '127.0.0.1')
await once(server, 'listening')
console.log(`Receiver listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close())
