// Real connections to a server on loopback, which is what the guard refuses.
import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:http'
import type { LookupFunction } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { array, assert, asyncProperty, constantFrom, nat } from 'fast-check'
import type { Dispatcher } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenOnLoopback } from '../../test/loopback-server.ts'
import { addressGuard } from '../lib/address-guard.ts'
import type { DispatcherOptions } from './dispatcher.ts'
import { openDispatcher } from './dispatcher.ts'
import { send } from './send.ts'

const PUBLIC = '93.184.215.14'
let port = 0
let requests = 0
let connections = 0
const closing: (() => unknown)[] = []

beforeEach(async () => {
  requests = 0
  connections = 0
  const server = createServer((_, response) => {
    requests++
    response.end('reached')
  }).on('connection', () => connections++)
  const listening = await listenOnLoopback(server)
  port = listening.port
  closing.push(listening.close)
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function open(options: DispatcherOptions = {}): Dispatcher {
  const dispatcher = openDispatcher(options)
  closing.push(() => dispatcher.destroy())
  return dispatcher
}

function post(dispatcher: Dispatcher, url: string) {
  return send({ dispatcher, url, headers: {}, body: Buffer.from('{}') })
}

/** A name server that gives these answers, one after the other, and the last one for ever. */
function answering(...answers: LookupAddress[][]): LookupFunction {
  return (_hostname, _options, callback) =>
    callback(null, (answers.length > 1 ? answers.shift() : answers[0]) as LookupAddress[])
}

function v4(address: string): LookupAddress {
  return { address, family: 4 }
}

async function expectRefused(dispatcher: Dispatcher, url: string) {
  const result = await post(dispatcher, url)
  expect(result).toMatchObject({ statusCode: null, error: 'address_refused', response: null, peer: null })
  expect(result.timings).toMatchObject({ dns: null, connect: null, tls: null, first_byte: null })
  return result
}

describe('a delivery is not sent', () => {
  it.each([
    'https://127.0.0.1:PORT/',
    'http://127.0.0.1:PORT/',
    'https://127.1:PORT/',
    'https://0x7f.1:PORT/',
    'https://2130706433:PORT/',
    'https://0:PORT/',
    'https://[::1]:PORT/',
    'https://[::ffff:127.0.0.1]:PORT/',
    'https://[::ffff:7f00:1]:PORT/',
    'https://localhost:PORT/',
  ])('to this machine as %s', async (url) => {
    await expectRefused(open(), url.replace('PORT', `${port}`))
    expect(connections).toBe(0)
  })

  it('to a name that resolves to this machine, and says neither address nor name', async () => {
    const { reason } = await expectRefused(
      open({ lookup: answering([v4('127.0.0.1')]) }),
      `https://hooks.example.com:${port}/`,
    )
    expect(reason).toBe('The URL must lead to a public address, or to a host named in SIGNALBOX_ALLOW_HOSTS.')
    expect(connections).toBe(0)
  })

  it('to a name when any of its addresses is refused, wherever it stands among them', async () => {
    const permitted: string[] = [PUBLIC, '1.1.1.1', '2606:4700::1111']
    const refused = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1', '0.0.0.0']
    await assert(
      asyncProperty(
        array(constantFrom(...permitted), { maxLength: 4 }),
        constantFrom(...refused),
        nat(4),
        async (addresses, one, at) => {
          const all = addresses.toSpliced(at, 0, one)
          const answers = all.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
          const dispatcher = openDispatcher({ lookup: answering(answers) })
          expect(await post(dispatcher, `https://hooks.example.com:${port}/`)).toMatchObject({
            error: 'address_refused',
          })
          await dispatcher.destroy()
        },
      ),
      { numRuns: 50 },
    )
    expect(connections).toBe(0)
  })

  it('to a name that resolves to nothing', async () => {
    await expectRefused(open({ lookup: answering([]) }), `https://hooks.example.com:${port}/`)
  })

  it('when the name resolves to this machine only from the second connection on', async () => {
    const lookup = answering([v4('127.0.0.1')], [v4('127.0.0.2')])
    const dispatcher = open({ guard: addressGuard([`127.0.0.1:${port}`]), lookup })
    // What is allowed stands for a public address here; TLS then fails, so nothing is kept alive.
    expect(await post(dispatcher, `https://hooks.example.com:${port}/`)).toMatchObject({ error: 'tls_error' })
    await expectRefused(dispatcher, `https://hooks.example.com:${port}/`)
    expect(connections).toBe(1)
  })

  it.each(['https:', 'http:'])(
    'when the connection leads elsewhere than the name server said, by %s',
    async (protocol) => {
      let reads = 0
      const changing = {
        family: 4,
        get address() {
          return reads++ === 0 ? PUBLIC : '127.0.0.1'
        },
      }
      const guard = { problemOf: () => null, permits: (_: unknown, address: string) => address === PUBLIC }
      await expectRefused(open({ guard, lookup: answering([changing]) }), `${protocol}//hooks.example.com:${port}/`)
      expect([reads > 1, connections, requests]).toEqual([true, 1, 0])
    },
  )

  it('with a user name or password, or to the port of another service', async () => {
    const allowed = open({ guard: addressGuard(['127.0.0.1']) })
    await expectRefused(allowed, `http://user:password@127.0.0.1:${port}/`)
    await expectRefused(allowed, `http://user@127.0.0.1:${port}/`)
    for (const other of [22, 25, 6000]) await expectRefused(allowed, `http://127.0.0.1:${other}/`)
    expect(connections).toBe(0)
  })
})

describe('a delivery is sent', () => {
  it('to what is allowed, with the name server asked once for each connection', async () => {
    let asked = 0
    const lookup: LookupFunction = (_hostname, _options, callback) => {
      asked++
      callback(null, [v4('127.0.0.1')])
    }
    const dispatcher = open({ guard: addressGuard(['handler']), lookup })
    const first = await post(dispatcher, `http://handler:${port}/`)
    // A connection is free for the next request a turn after its answer.
    await setImmediate()
    const second = await post(dispatcher, `http://handler:${port}/`)
    expect([first, second]).toMatchObject([
      { statusCode: 200, response: 'reached', peer: `127.0.0.1:${port}` },
      { statusCode: 200, peer: `127.0.0.1:${port}` },
    ])
    expect(first.timings).toMatchObject({ dns: expect.any(Number), connect: expect.any(Number), tls: null })
    expect(second.timings).toMatchObject({ dns: null, connect: null, tls: null, first_byte: expect.any(Number) })
    expect([asked, connections]).toEqual([1, 1])
  })

  it('each with its own peer and times, when many are sent at once', async () => {
    const ports = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const other = await listenOnLoopback(createServer((_, response) => response.end()))
        closing.push(other.close)
        return other.port
      }),
    )
    const dispatcher = open({ guard: addressGuard(['127.0.0.0/8']) })
    const targets = Array.from({ length: 64 }, (_, i) => `127.0.0.1:${ports[i % ports.length]}`)
    const results = await Promise.all(targets.map((host) => post(dispatcher, `http://${host}/`)))
    expect(results.map(({ peer }) => peer)).toEqual(targets)
  })
})
