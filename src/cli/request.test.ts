// Requests as `fetch` would send them, to a real server.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request } from './request.ts'

const server = createServer(async (asked, response) => {
  const { method, url, headers } = asked
  if (url === '/silent') return
  if (url === '/moved') return void response.writeHead(302, { location: '/' }).end()
  if (url === '/begun') return void response.write('begun')
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ method, url, headers, body: await text(asked) }))
})
let here: string
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const signal = new AbortController().signal
const init = { headers: { authorization: 'Bearer x' }, signal, redirect: 'manual' } as const

test('method, path, headers and body arrive, and the answer is read', async () => {
  const answer = await request(new URL('/a?b=ü', here), { ...init, method: 'POST', body: '{"é":1}' })
  expect({ ok: answer.ok, status: answer.status, type: answer.headers.get('Content-Type') }).toEqual({
    ok: true,
    status: 200,
    type: 'application/json',
  })
  expect(JSON.parse(await answer.text())).toMatchObject({
    method: 'POST',
    url: '/a?b=%C3%BC',
    headers: { authorization: 'Bearer x', 'content-length': '8' },
    body: '{"é":1}',
  })
})

test('the bytes of an answer are its own', async () => {
  const bytes = await (await request(new URL('/', here), init)).arrayBuffer()
  expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ method: 'GET', body: '' })
})

test('a redirect is not followed', async () => {
  expect(await request(new URL('/moved', here), init)).toMatchObject({ ok: false, status: 302 })
})

test('what takes too long ends with that as the reason, before the answer and in the middle of it', async () => {
  const inTime = async (path: string) => {
    const answer = await request(new URL(path, here), { ...init, signal: AbortSignal.timeout(50) })
    return answer.text()
  }
  const reason = { name: 'TimeoutError' }
  await expect(inTime('/silent')).rejects.toMatchObject(reason)
  await expect(inTime('/begun')).rejects.toMatchObject(reason)
})

test('an answer can be read while it comes, until it is no longer wanted', async () => {
  const wanted = new AbortController()
  const reader = (await request(new URL('/begun', here), { ...init, signal: wanted.signal })).body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('begun')
  wanted.abort()
  await expect(reader?.read()).rejects.toThrow()
})

test('a server that is away is an error of the system', async () => {
  await expect(request(new URL('http://127.0.0.1:9'), init)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
