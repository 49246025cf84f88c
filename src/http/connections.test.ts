// The bound on connections: who is let in, and who has to go.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Server } from './listen.ts'
import { openServer } from './listen.ts'

let server: Server
let begun: number
let release: PromiseWithResolvers<void>
const sockets: Socket[] = []
const refused: string[] = []
beforeEach(async () => {
  begun = 0
  release = Promise.withResolvers()
  const app = new Hono<{ Bindings: HttpBindings }>()
    .get('/', (c) => c.text('here'))
    .post('/', async (c) => c.text(await c.req.text().catch(() => '')))
    .get('/slow', async (c) => {
      begun++
      await release.promise
      return c.text('done')
    })
  server = await openServer(app, {
    host: '127.0.0.1',
    port: 0,
    connections: { max: 2, maxPerClient: 2, isProxy: () => false, onRefused: (remote) => refused.push(remote) },
    closeGraceMs: 60_000,
  })
})
afterEach(async () => {
  release.resolve()
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.close()
})

async function open(sent = ''): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {})
  sockets.push(socket)
  await once(socket, 'connect')
  socket.write(sent)
  return socket
}

function get(path: string, ...headers: string[]): string {
  return [`GET ${path} HTTP/1.1`, 'host: x', ...headers, '', ''].join('\r\n')
}
const only = 'connection: close'

/** Waits until a connection is closed, which it may be already; what it brought is dropped. */
async function closed(socket: Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await once(socket, 'close')
}

test('one that has sent nothing, or half a request, is closed for another, the oldest first', async () => {
  const silent = await open()
  const half = await open('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab')
  expect(await text(await open(get('/', only)))).toContain('200 OK')
  expect(await text(silent)).toBe('')
  const next = await open(get('/'))
  await once(next, 'data')
  await open()
  await closed(half)
  expect(next.destroyed).toBe(false)
})

test('one that waits for its next request is closed for another too', async () => {
  const idle = await open(get('/'))
  await once(idle, 'data')
  const busy = await open(get('/slow', only))
  expect(await text(await open(get('/', only)))).toContain('200 OK')
  await closed(idle)
  release.resolve()
  expect(await text(busy)).toContain('done')
})

test('while all are being answered another one is refused, and they are not disturbed', async () => {
  const busy = [await open(get('/slow', only)), await open(get('/slow', only))]
  while (begun < 2) await new Promise((resolve) => setImmediate(resolve))
  expect(await text(await open(get('/', only)))).toMatch(/^HTTP\/1\.1 429 .*"code":"rate_limited"/s)
  expect(refused).toEqual(['127.0.0.1'])
  release.resolve()
  for (const socket of busy) expect(await text(socket)).toContain('done')
})

test('a client with too many loses its own, oldest first, and no other client loses one', async () => {
  const limits = { max: 100, maxPerClient: 2, isProxy: (peer: string) => peer === '127.0.0.9' }
  const app = new Hono<{ Bindings: HttpBindings }>().get('/', (c) => c.text('here'))
  const bounded = await openServer(app, { host: '127.0.0.1', port: 0, connections: limits, closeGraceMs: 60_000 })
  const openFrom = async (localAddress: string) => {
    const socket = connect({ port: Number(new URL(bounded.url).port), host: '127.0.0.1', localAddress })
    sockets.push(socket.on('error', () => {}))
    await once(socket, 'connect')
    return socket
  }
  const other = await openFrom('127.0.0.3')
  const [oldest, ...kept] = [await openFrom('127.0.0.2'), await openFrom('127.0.0.2'), await openFrom('127.0.0.2')]
  await closed(oldest as Socket)
  for (let nth = 0; nth < 5; nth++) kept.push(await openFrom('127.0.0.9'))
  for (const socket of [other, ...kept]) {
    socket.write(get('/', only))
    expect(await text(socket)).toContain('200 OK')
  }
  // What has ended is not counted.
  const again = [await openFrom('127.0.0.2'), await openFrom('127.0.0.2')]
  for (const socket of again) {
    socket.write(get('/', only))
    expect(await text(socket)).toContain('200 OK')
  }
  await bounded.close()
})
