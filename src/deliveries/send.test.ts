import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Server, Socket } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { Agent } from 'undici'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { listenOnLoopback } from '../../test/loopback-server.ts'
import { UNANSWERED } from '../../test/send-result.ts'
import { addressGuard, LOOPBACK_HOSTS } from '../lib/address-guard.ts'
import { openDispatcher } from './dispatcher.ts'
import type { Sending } from './send.ts'
import { isQuickFailure, MAX_RESPONSE_BYTES, send } from './send.ts'

const guard = addressGuard([...LOOPBACK_HOSTS, 'nowhere.invalid'])
const dispatcher = openDispatcher({ guard })
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})
afterAll(() => dispatcher.destroy())

async function listen(server: Server): Promise<number> {
  const { port, close } = await listenOnLoopback(server)
  closing.push(close)
  return port
}

/** A receiver that answers as it is made to; returns its address. */
async function receiver(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(answer))}/hook?a=b`
}

/** A receiver below HTTP. */
async function rawReceiver(answer: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  return `http://127.0.0.1:${await listen(server)}/`
}

function post(url: string, options: Partial<Pick<Sending, 'deadlineMs' | 'signal' | 'body' | 'lease'>> = {}) {
  return send({
    dispatcher,
    url,
    headers: { 'content-type': 'application/json', 'x-a': '1' },
    body: Buffer.from('{}'),
    ...options,
  })
}

/** Repeats `write` until the other side goes away. */
function drip(socket: Socket | ServerResponse, text: string) {
  const timer = setInterval(() => socket.write(text), 20)
  socket.on('close', () => clearInterval(timer))
  closing.push(() => clearInterval(timer))
}

describe('sending', () => {
  it('posts exactly the bytes and headers given, to path and query', async () => {
    const body = Uint8Array.from([0x7b, 0x00, 0xff, 0x7d])
    const seen: { request?: IncomingMessage; body?: Buffer } = {}
    const url = await receiver(async (request, response) => {
      seen.request = request
      seen.body = Buffer.concat(await request.toArray())
      response.writeHead(202, { 'retry-after': '7' }).end('thanks')
    })
    expect(await post(url, { body })).toEqual({
      statusCode: 202,
      error: null,
      reason: null,
      retryAfter: '7',
      response: 'thanks',
      deliveryControl: null,
      responseHeaders: expect.objectContaining({ 'retry-after': '7' }),
      timings: expect.objectContaining({ dns: null, tls: null }),
      peer: new URL(url).host,
      durationMs: expect.any(Number),
    })
    expect(seen.body).toEqual(Buffer.from(body))
    expect(seen.request).toMatchObject({ method: 'POST', url: '/hook?a=b' })
    expect(seen.request?.headers).toMatchObject({ 'content-length': '4', 'x-a': '1', 'accept-encoding': 'identity' })
  })

  it('does not follow a redirect', async () => {
    let reached = false
    const target = await receiver((_, response) => {
      reached = true
      response.end()
    })
    for (const status of [301, 302, 303, 307, 308]) {
      const url = await receiver((_, response) => response.writeHead(status, { location: target }).end())
      expect(await post(url)).toMatchObject({ statusCode: status, error: null })
    }
    expect(reached).toBe(false)
  })

  it('keeps the beginning of an endless answer and reads no further', async () => {
    const url = await receiver((_, response) => {
      const pump = () => {
        while (!response.destroyed && response.write('x'.repeat(1000)));
        if (!response.destroyed) response.once('drain', pump)
      }
      pump()
    })
    const result = await post(url)
    expect(result).toMatchObject({ statusCode: 200, error: null })
    expect(result.response).toHaveLength(MAX_RESPONSE_BYTES)
  })

  it('stores an answer as text PostgreSQL can hold', async () => {
    const url = await receiver((_, response) => response.end(Buffer.from([0x61, 0x00, 0xff])))
    expect((await post(url)).response).toBe('a\ufffd\ufffd')
  })

  it('ends at the deadline while the answer drips, and keeps the status that had come', async () => {
    const url = await receiver((_, response) => drip(response.writeHead(200), 'x'))
    const result = await post(url, { deadlineMs: 2000 })
    expect(result).toMatchObject({
      statusCode: 200,
      error: 'response_timeout',
      response: expect.stringMatching(/^x+$/),
    })
    expect(result.durationMs).toBeLessThan(20_000)
  })

  it('ends at the deadline while the headers drip, or nothing comes at all', async () => {
    const dripping = await rawReceiver((socket) =>
      drip(socket.write('HTTP/1.1 200 OK\r\n') ? socket : socket, 'x: y\r\n'),
    )
    const silent = await receiver(() => {})
    for (const url of [dripping, silent]) {
      const result = await post(url, { deadlineMs: 2000 })
      expect(result).toMatchObject({ statusCode: null, error: 'timeout', response: null })
      expect(result.durationMs).toBeLessThan(20_000)
    }
  })

  it('ends at the deadline while it waits for a connection, and is not sent afterwards', async () => {
    const asked = Promise.withResolvers<() => void>()
    let requests = 0
    const url = await receiver((_, response) => {
      requests++
      response.end()
    })
    const slow = openDispatcher({
      guard: addressGuard(['slow']),
      lookup: (_, __, callback) => asked.resolve(() => callback(null, [{ address: '127.0.0.1', family: 4 }])),
    })
    const sending = { dispatcher: slow, headers: {}, body: Buffer.from('{}') }
    const first = await send({ ...sending, url: url.replace('127.0.0.1', 'slow'), deadlineMs: 100 })
    expect(first).toMatchObject({ statusCode: null, error: 'timeout', peer: null })
    expect(first.durationMs).toBeLessThan(20_000)
    const answer = await asked.promise
    answer()
    // It closes when the connection is there and nothing waits for it.
    await slow.close()
    expect(requests).toBe(0)
  })

  it('does not begin when it was called off before', async () => {
    const url = await receiver((_, response) => response.end())
    expect(await post(url, { signal: AbortSignal.abort() })).toMatchObject({ statusCode: null, error: 'cancelled' })
  })

  it('writes nothing once its lease is over, which may be while it connects', async () => {
    const got = vi.fn()
    const url = await receiver((_, response) => {
      got()
      response.end()
    })
    const lease = { leftMs: () => 0 }
    expect(await post(url, { lease })).toMatchObject({ statusCode: null, error: 'cancelled' })
    expect(await post(url, { lease: { leftMs: () => 1 } })).toMatchObject({ statusCode: 200 })
    expect(got).toHaveBeenCalledOnce()
  })

  it('ends when it is called off', async () => {
    const stop = new AbortController()
    const url = await receiver(() => stop.abort())
    expect(await post(url, { signal: stop.signal })).toMatchObject({ statusCode: null, error: 'cancelled' })
  })
})

describe('what is kept of an answer', () => {
  it('are its headers, each cut, fifty of them, and no credentials', async () => {
    const url = await receiver((_, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.setHeader('x-api-key', 'hunter2')
      response.setHeader('authorization', 'Bearer hunter2')
      response.setHeader('x-long', 'y'.repeat(600))
      response.setHeader('webhook-delivery', 'disable')
      for (let i = 0; i < 100; i++) response.setHeader(`x-${i}`, `${i}`)
      response.end()
    })
    const { responseHeaders, deliveryControl } = await post(url)
    expect(deliveryControl).toBe('disable')
    expect(Object.keys(responseHeaders ?? {})).toHaveLength(50)
    expect(responseHeaders).toMatchObject({
      'set-cookie': '[redacted]',
      'x-api-key': '[redacted]',
      authorization: '[redacted]',
      'x-long': expect.stringMatching(/^y{499}…$/),
      'x-0': '0',
    })
    expect(JSON.stringify(responseHeaders)).not.toMatch(/hunter2|a=1/)
  })

  it('is the final one, not one that announces it', async () => {
    const url = await receiver((_, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' })
      response.writeHead(204, { 'x-a': 'final' }).end()
    })
    expect(await post(url)).toMatchObject({ statusCode: 204, responseHeaders: { 'x-a': 'final' } })
  })

  it('has a bounded size, whatever the receiver sends', async () => {
    const junk = 'z'.repeat(65_536)
    const endless = await receiver((_, response) => {
      const pump = () => {
        while (!response.destroyed && response.write(junk));
        if (!response.destroyed) response.once('drain', pump)
      }
      pump()
    })
    const announcing = await rawReceiver((socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(500)))
    const before = process.memoryUsage()
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) => post(i % 2 === 0 ? endless : announcing, { deadlineMs: 3000 })),
    )
    const after = process.memoryUsage()
    for (const [i, result] of results.entries()) {
      const expected = i % 2 === 0 ? { statusCode: 200, error: null } : { statusCode: null, error: 'timeout' }
      expect(result).toMatchObject(expected)
      expect(result.durationMs).toBeLessThan(20_000)
    }
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(40_000_000)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(60_000_000)
  })
})

describe('what is wrong', () => {
  it('is connection_refused where nobody listens', async () => {
    const port = await listen(createTcpServer())
    for (const close of closing.splice(0)) close()
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ statusCode: null, error: 'connection_refused' })
  })

  it('is dns_error for a name that does not resolve', async () => {
    for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
      const lost = openDispatcher({
        guard,
        lookup: (_, __, callback) =>
          callback(Object.assign(new Error(code), { code, syscall: 'getaddrinfo', hostname: 'nowhere.invalid' }), ''),
      })
      const sending = { dispatcher: lost, url: 'http://nowhere.invalid/', headers: {}, body: Buffer.from('') }
      expect(await send(sending)).toMatchObject({
        statusCode: null,
        error: 'dns_error',
        reason: expect.stringMatching(/name server .*: nowhere\.invalid$/),
      })
      await lost.destroy()
    }
  })

  it('is tls_error where no TLS is spoken', async () => {
    const url = await receiver((_, response) => response.end())
    expect(await post(url.replace('http:', 'https:'))).toMatchObject({
      error: 'tls_error',
      reason: 'wrong version number. Check the address, and the certificate there.',
    })
  })

  it.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', /NODE_EXTRA_CA_CERTS/],
    ['CERT_HAS_EXPIRED', 'certificate has expired', /Check the address/],
  ])('is tls_error with the reason for a certificate that is refused as %s', async (code, message, remedy) => {
    const refusing = new Agent({
      connect: (_, callback) => callback(Object.assign(new Error(message), { code }), null),
    })
    const sending = { dispatcher: refusing, url: 'https://hooks.example.com/', headers: {}, body: Buffer.from('') }
    const { error, reason } = await send(sending)
    expect([error, reason]).toEqual(['tls_error', expect.stringMatching(remedy)])
    expect(reason?.startsWith(`${message}. `)).toBe(true)
    await refusing.destroy()
  })

  it('speaks HTTP/1.1 only: a request that is given up closes its connection, and the next one has its own', async () => {
    const hello = Promise.withResolvers<string>()
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (bytes) => {
        hello.resolve(bytes.toString('latin1'))
        socket.destroy()
      })
    })
    await post(`https://127.0.0.1:${await listen(server)}/`)
    // The protocols of the TLS handshake (RFC 7301), each after its length.
    expect(await hello.promise).toContain('\x08http/1.1')
    expect(await hello.promise).not.toContain('\x02h2')
  })

  it('is reset when the connection ends without an answer', async () => {
    expect(await post(await rawReceiver((socket) => socket.resetAndDestroy()))).toMatchObject({ error: 'reset' })
    expect(await post(await rawReceiver((socket) => socket.end()))).toMatchObject({ error: 'reset' })
  })

  it('is response_reset when it ends within the answer', async () => {
    const url = await rawReceiver((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart', () =>
        setImmediate(() => socket.resetAndDestroy()),
      ),
    )
    expect(await post(url)).toMatchObject({ statusCode: 200, error: 'response_reset' })
  })

  it('is response_invalid for what is not HTTP, or has too many headers', async () => {
    expect(await post(await rawReceiver((socket) => socket.end('hello\r\n\r\n')))).toMatchObject({
      statusCode: null,
      error: 'response_invalid',
    })
    const bomb = `HTTP/1.1 200 OK\r\n${'x-header: 0123456789\r\n'.repeat(5000)}\r\n`
    expect(await post(await rawReceiver((socket) => socket.end(bomb)))).toMatchObject({ error: 'response_invalid' })
  })
})

describe('an attempt that failed at once', () => {
  const quick = { ...UNANSWERED, durationMs: 999 }
  it.each(['connection_refused', 'reset'] as const)('is one that ended with %s within a second', (error) => {
    expect(isQuickFailure({ ...quick, error })).toBe(true)
    expect(isQuickFailure({ ...quick, error, durationMs: 1000 })).toBe(false)
  })

  it.each(['dns_error', 'tls_error', 'timeout', 'address_refused', 'proxy_error', 'cancelled'] as const)(
    'is none that ended with %s',
    (error) => {
      expect(isQuickFailure({ ...quick, error })).toBe(false)
    },
  )

  it('is none that had an answer', () => {
    expect(isQuickFailure({ ...quick, statusCode: 200, error: 'response_reset' })).toBe(false)
  })
})
