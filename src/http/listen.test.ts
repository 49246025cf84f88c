// Closing the server: what was accepted is answered, and nobody's connection keeps it up.
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Server } from './listen.ts'
import { openServer } from './listen.ts'

let server: Server
let agent: Agent
let begun: PromiseWithResolvers<void>
let release: PromiseWithResolvers<void>
let closing: Promise<void> | undefined
function close(): Promise<void> {
  closing ??= server.close()
  return closing
}
beforeEach(async () => {
  begun = Promise.withResolvers()
  release = Promise.withResolvers()
  closing = undefined
  agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const app = new Hono<{ Bindings: HttpBindings }>()
    .get('/', (c) => c.text('here'))
    .get('/slow', async (c) => {
      begun.resolve()
      await release.promise
      return c.text('done')
    })
  // Longer than a test may take, so that none of them passes by cutting off.
  server = await openServer(app, { host: '127.0.0.1', port: 0, closeGraceMs: 60_000 })
})
afterEach(async () => {
  agent.destroy()
  await close()
})

async function get(path: string): Promise<string> {
  const asking = request(`${server.url}${path}`, { agent })
  asking.end()
  const [response] = await once(asking, 'response')
  return (await response.setEncoding('utf8').toArray()).join('')
}

test('a request in flight is answered, and its kept-alive connection does not hold up the end', async () => {
  const answer = get('/slow')
  await begun.promise
  void close()
  release.resolve()
  expect(await answer).toBe('done')
  await close()
})

test('a connection that brings request after request is ended', async () => {
  const asking = (async () => {
    await get('/slow')
    for (;;) await get('/')
  })().catch((error: NodeJS.ErrnoException) => error.code)
  await begun.promise
  void close()
  release.resolve()
  await close()
  expect(await asking).toMatch(/^ECONN/)
})

test('a connection on which nothing was ever sent is ended at once', async () => {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  await once(socket, 'connect')
  // The server has taken it, for it takes them in order.
  await get('/')
  await close()
  socket.destroy()
})

test('a health check by HTTP/1.0 without a Host, as HAProxy makes it, is answered', async () => {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write('GET / HTTP/1.0\r\n\r\n')
  const answer = (await socket.setEncoding('utf8').toArray()).join('')
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*here$/s)
})

test('a sender that does not finish is cut off after the grace', async () => {
  const impatient = await openServer(new Hono(), { host: '127.0.0.1', port: 0, closeGraceMs: 50 })
  const socket = connect(Number(new URL(impatient.url).port), '127.0.0.1').on('error', () => {})
  socket.write('POST / HTTP/1.1\r\nhost: x\r\n')
  await once(socket, 'connect')
  await fetch(impatient.url)
  await impatient.close()
  socket.destroy()
})
