// Reading bodies: what all of them together may take.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'
import { send } from '../../test/send.ts'
import { until } from '../../test/signalbox.ts'
import { silentLog } from '../lib/log.ts'
import { withBody } from './body.ts'
import { limitBodies } from './body-memory.ts'
import { errorResponse } from './errors.ts'
import { openServer } from './listen.ts'

const MB = 1024 * 1024
const LARGE = Buffer.alloc(20 * MB, 'x')
const SENDERS = 30
const MOST_BUFFERED = Math.floor((192 * MB) / LARGE.length)

test('large bodies are refused beyond what all may take, small ones are not, and what was taken is free again', async () => {
  const release = Promise.withResolvers<void>()
  let buffered = 0
  const app = new Hono<{ Bindings: HttpBindings }>()
    .onError((error) => errorResponse(error, silentLog))
    .post('/', async (c) => {
      const use = async (body: Buffer) => {
        if (body.length === LARGE.length) buffered++
        await release.promise
        return body.length
      }
      return c.text(`${await withBody(c.env.incoming, use)}`)
    })
  const server = await openServer(app, { host: '127.0.0.1', port: 0 })
  const post = (body: Buffer) =>
    send(server.url, { kind: 'plain', method: 'POST', path: '/', headers: [['connection', 'close']], body })
  try {
    let refused = 0
    const large = Array.from({ length: SENDERS }, async () => {
      const { status, body } = await post(LARGE)
      if (status === 429 && body.includes('rate_limited')) refused++
      return status
    })
    await until('each is buffered or refused', async () => buffered + refused === SENDERS)
    expect(buffered).toBeGreaterThan(0)
    expect(buffered).toBeLessThanOrEqual(MOST_BUFFERED)
    const small = post(Buffer.alloc(MB / 2))
    release.resolve()
    expect(await small).toMatchObject({ status: 200, body: `${MB / 2}` })
    expect((await Promise.all(large)).filter((status) => status === 200)).toHaveLength(buffered)
    expect(await post(LARGE)).toMatchObject({ status: 200 })
  } finally {
    await server.close()
  }
})

test('MAX_BODIES_MB counts bodies of every size, the smallest too', async () => {
  limitBodies(1)
  onTestFinished(() => limitBodies(256))
  const release = Promise.withResolvers<void>()
  let held = 0
  const app = new Hono<{ Bindings: HttpBindings }>()
    .onError((error) => errorResponse(error, silentLog))
    .post('/', async (c) => {
      const use = async (body: Buffer) => {
        held++
        await release.promise
        return body.length
      }
      return c.text(`${await withBody(c.env.incoming, use)}`)
    })
  const server = await openServer(app, { host: '127.0.0.1', port: 0 })
  const body = Buffer.alloc(1000)
  const post = () =>
    send(server.url, { kind: 'plain', method: 'POST', path: '/', headers: [['connection', 'close']], body })
  try {
    let refused = 0
    const all = Array.from({ length: 400 }, async () => {
      const { status } = await post()
      if (status === 429) refused++
      return status
    })
    await until('each is held or refused', async () => held + refused === 400)
    // A quarter of it is for bodies below 1 MB.
    expect(held).toBe(Math.floor((1024 * 1024) / 4 / body.length))
    release.resolve()
    expect((await Promise.all(all)).filter((status) => status === 200)).toHaveLength(held)
    expect(await post()).toMatchObject({ status: 200 })
  } finally {
    await server.close()
  }
})

describe('a body in pieces of one byte', () => {
  const pieces = (count: number) =>
    Buffer.from(
      `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(count)}0\r\n\r\n`,
    )
  const answerTo = async (count: number) => {
    const app = new Hono<{ Bindings: HttpBindings }>()
      .onError((error) => errorResponse(error, silentLog))
      .post('/', async (c) => c.text(`${await withBody(c.env.incoming, (body) => body.length)}`))
    const server = await openServer(app, { host: '127.0.0.1', port: 0 })
    try {
      return await send(server.url, { kind: 'raw', method: '', path: '', headers: [], body: pieces(count) })
    } finally {
      await server.close()
    }
  }

  test('is read when it is short', async () => {
    expect(await answerTo(9_000)).toMatchObject({ status: 200, body: expect.stringContaining('9000') })
  })

  test('is refused when it is long', async () => {
    expect(await answerTo(50_000)).toMatchObject({
      status: 400,
      body: expect.stringContaining('too many small pieces'),
    })
  })
})
