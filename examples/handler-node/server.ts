// The handler as a Node server.
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { handlerFromEnvironment } from './handler.ts'

async function start(): Promise<void> {
  // A sender has 15 seconds for its request, and together they may hold 50 bodies of 1 MB.
  const serverOptions = { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 1_000 }
  const server = createAdaptorServer({ fetch: handlerFromEnvironment(), createServer, serverOptions }) as Server
  server.maxConnections = 50
  server.listen(Number(process.env.PORT || 3000))
  await once(server, 'listening')
  console.log(`Webhook handler listening on http://localhost:${(server.address() as AddressInfo).port}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close()
      server.closeIdleConnections()
    })
  }
}

start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
