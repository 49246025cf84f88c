// The handler as a Node server.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { handlerFromEnvironment } from './handler.ts'

async function start(): Promise<void> {
  const server = createAdaptorServer({ fetch: handlerFromEnvironment() })
  server.listen(Number(process.env.PORT || 3000))
  await once(server, 'listening')
  console.log(`Webhook handler listening on http://localhost:${(server.address() as AddressInfo).port}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close()
      if ('closeIdleConnections' in server) server.closeIdleConnections()
    })
  }
}

start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
