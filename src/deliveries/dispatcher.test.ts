// Deliveries through a real proxy that opens tunnels (RFC 9110 §9.3.6).
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { LookupFunction } from 'node:net'
import { connect, createServer as createTcpServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenOnLoopback } from '../../test/loopback-server.ts'
import { addressGuard } from '../lib/address-guard.ts'
import type { DispatcherOptions } from './dispatcher.ts'
import { openDispatcher } from './dispatcher.ts'
import { send } from './send.ts'

let tunnels: string[] = []
let credentials: (string | undefined)[] = []
let proxy = ''
let receiver = 0
const closing: (() => unknown)[] = []

beforeEach(async () => {
  tunnels = []
  credentials = []
  const target = await listenOnLoopback(createServer((_, response) => response.end('reached')))
  receiver = target.port
  proxy = await openProxy()
  closing.push(target.close)
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A proxy that leads every name to the receiver, or answers with another status. */
async function openProxy(status = 200): Promise<string> {
  const server = createServer().on('connect', (request: IncomingMessage, socket) => {
    tunnels.push(request.url ?? '')
    credentials.push(request.headers['proxy-authorization'])
    socket.on('error', () => {})
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
      return
    }
    const onward = connect(receiver, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    }).on('error', () => socket.destroy())
  })
  const { port, close } = await listenOnLoopback(server)
  closing.push(close)
  return `http://127.0.0.1:${port}`
}

const PUBLIC: LookupFunction = (_hostname, _options, callback) =>
  callback(null, [{ address: '93.184.215.14', family: 4 }])
const PRIVATE: LookupFunction = (_hostname, _options, callback) => callback(null, [{ address: '10.0.0.1', family: 4 }])
const NOWHERE: LookupFunction = (_hostname, _options, callback) =>
  callback(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }), '')

function post(url: string, options: DispatcherOptions = {}) {
  const guard = addressGuard(['allowed.example.com'])
  const dispatcher = openDispatcher({ guard, lookup: PUBLIC, proxies: { HTTP_PROXY: proxy }, ...options })
  closing.push(() => dispatcher.destroy())
  return send({ dispatcher, url, headers: {}, body: Buffer.from('{}') })
}

describe('through a proxy', () => {
  it('a delivery goes in a tunnel, and the peer is the proxy', async () => {
    const result = await post('http://allowed.example.com:8080/hook')
    expect(result).toMatchObject({ statusCode: 200, response: 'reached', peer: new URL(proxy).host })
    expect(result.timings).toMatchObject({ dns: expect.any(Number), connect: expect.any(Number), tls: null })
    expect(tunnels).toEqual(['allowed.example.com:8080'])
  })

  it('TLS is spoken with the endpoint itself', async () => {
    // The receiver speaks none, which only the end of the tunnel can notice.
    expect(await post('https://hooks.example.com/')).toMatchObject({ error: 'tls_error' })
    expect(tunnels).toEqual(['hooks.example.com:443'])
  })

  it.each([
    ['https://10.0.0.1/', PUBLIC],
    ['https://[::ffff:169.254.169.254]/', PUBLIC],
    ['https://127.0.0.2/', PUBLIC],
    ['https://hooks.example.com:25/', PUBLIC],
    ['http://hooks.example.com/', PUBLIC],
    ['https://hooks.example.com/', PRIVATE],
  ])('nothing is asked of it for %s, which the guard refuses', async (url, lookup) => {
    expect(await post(url, { lookup })).toMatchObject({ error: 'address_refused', peer: null })
    expect(tunnels).toEqual([])
  })

  it('a name that does not resolve here is left to it', async () => {
    expect(await post('http://allowed.example.com/', { lookup: NOWHERE })).toMatchObject({ statusCode: 200 })
    expect(tunnels).toEqual(['allowed.example.com:80'])
  })

  it('its own address may be any, and its credentials are sent to it', async () => {
    const proxies = { HTTPS_PROXY: proxy.replace('//', '//me:secret@') }
    await post('https://hooks.example.com/', { proxies })
    expect(credentials).toEqual([`Basic ${Buffer.from('me:secret').toString('base64')}`])
  })

  it('HTTPS_PROXY is for https: alone', async () => {
    const guard = addressGuard(['localhost', 'allowed.example.com', '127.0.0.1'])
    const lookup: LookupFunction = (_h, _o, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])
    const url = `http://allowed.example.com:${receiver}/`
    const result = await post(url, { guard, lookup, proxies: { HTTPS_PROXY: proxy } })
    expect(result).toMatchObject({ statusCode: 200, peer: `127.0.0.1:${receiver}` })
    expect(tunnels).toEqual([])
  })

  it('hosts of NO_PROXY and this machine are reached directly, and guarded alike', async () => {
    const proxies = { HTTP_PROXY: proxy, NO_PROXY: 'example.com' }
    expect(await post('https://hooks.example.com/', { proxies, lookup: PRIVATE })).toMatchObject({
      error: 'address_refused',
    })
    const guard = addressGuard(['127.0.0.1'])
    expect(await post(`http://127.0.0.1:${receiver}/`, { proxies, guard })).toMatchObject({
      statusCode: 200,
      peer: `127.0.0.1:${receiver}`,
    })
    expect(tunnels).toEqual([])
  })
})

describe('proxy_error', () => {
  it.each([403, 407, 502])('is what a delivery ends with when the proxy answers %i', async (status) => {
    const proxies = { HTTP_PROXY: await openProxy(status) }
    const result = await post('https://hooks.example.com/', { proxies })
    expect(result).toMatchObject({ statusCode: null, error: 'proxy_error', reason: `the proxy answers ${status}` })
  })

  it('is what it ends with when there is no proxy, or it goes away', async () => {
    const cutting = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.resetAndDestroy())
    })
    const { port, close } = await listenOnLoopback(cutting)
    closing.push(close)
    const url = 'https://hooks.example.com/'
    expect(await post(url, { proxies: { HTTP_PROXY: `http://127.0.0.1:${port}` } })).toMatchObject({
      error: 'proxy_error',
    })
    expect(await post(url, { proxies: { HTTP_PROXY: 'http://127.0.0.1:1' } })).toMatchObject({
      error: 'proxy_error',
      reason: expect.stringMatching(/^the proxy opens no connection: nothing listens there/),
    })
  })

  it('is what it ends with when the proxy never answers, and the next delivery asks again', async () => {
    let asked = 0
    const silent = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => asked++)
    })
    const { port, close } = await listenOnLoopback(silent)
    closing.push(close)
    const proxies = { HTTP_PROXY: `http://127.0.0.1:${port}` }
    const dispatcher = openDispatcher({ lookup: PUBLIC, proxies, timeoutMs: 200 })
    closing.push(() => dispatcher.destroy())
    for (const nth of [1, 2]) {
      const sending = { dispatcher, url: 'https://hooks.example.com/', headers: {}, body: Buffer.from('') }
      expect(await send(sending)).toMatchObject({ error: 'proxy_error' })
      expect(asked).toBe(nth)
    }
  })
})
