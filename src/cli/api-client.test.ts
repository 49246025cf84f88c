// Every command that talks to a server, when there is none, a wrong one, or one that refuses.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, TOKEN } from '../../test/signalbox.ts'
import { call } from '../../test/terminal.ts'

const COMMANDS = [
  ['events', 'ls'],
  ['events', 'show', 'x'],
  ['jobs', 'ls'],
  ['jobs', 'show', 'x'],
  ['jobs', 'log', 'x'],
  ['jobs', 'log', 'x', '--follow'],
  ['jobs', 'cancel', 'x'],
  ['jobs', 'retry', 'x'],
  ['deliveries', 'ls'],
  ['deliveries', 'show', 'x'],
  ['endpoints', 'ls'],
  ['endpoints', 'add', '--url', 'https://example.com'],
  ['rules', 'explain', '0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10'],
  ['trigger'],
]

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
})
afterAll(() => signalbox.close())

describe.each(COMMANDS.map((args) => ({ args })))('$args', ({ args }) => {
  test('without a server says how to start one', async () => {
    const { code, out, err } = await call(args, { env: { SIGNALBOX_URL: 'http://127.0.0.1:9' } })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^signalbox: There is no answer from http:\/\/127\.0\.0\.1:9\.\n {2}→ .*signalbox dev/)
  })

  test('with a wrong token says which variable to set', async () => {
    const env = { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: 'another-token-of-some-length' }
    const { code, err } = await call([...args, '--json'], { env })
    expect(code).toBe(1)
    expect(JSON.parse(err)).toEqual({
      code: 'token_invalid',
      detail: expect.any(String),
      hint: expect.stringContaining('SIGNALBOX_API_TOKEN'),
    })
  })
})

test('something that is no Signalbox is named as such, whatever it answers', async () => {
  const answers: [number, string][] = [
    [200, '<h1>Welcome to nginx</h1>'],
    [404, 'Not Found'],
    [502, ''],
    [200, '"text"'],
    [302, ''],
  ]
  for (const [status, body] of answers) {
    const server = createServer((_request, response) =>
      response.writeHead(status, { connection: 'close', location: '/' }).end(body),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const env = { SIGNALBOX_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    const { code, err } = await call(['jobs', 'ls'], { env })
    expect({ status, code, err }).toEqual({
      status,
      code: 1,
      err: expect.stringMatching(/→ Check that SIGNALBOX_URL is the address of a Signalbox\./),
    })
    await new Promise((resolve) => server.close(resolve))
  }
})

test('--server is asked before SIGNALBOX_URL, and that before PORT', async () => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url}`)
    response.setHeader('connection', 'close').end('{"items":[],"next":null}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const nowhere = 'http://127.0.0.1:9'
  const here = `http://127.0.0.1:${port}`
  const codes = [
    await call(['jobs', 'ls', '--server', `${here}/box`], { env: { SIGNALBOX_URL: nowhere } }),
    await call(['jobs', 'ls'], { env: { SIGNALBOX_URL: here, PORT: '9' } }),
    await call(['jobs', 'ls'], { env: { PORT: `${port}` } }),
  ].map(({ code, out }) => ({ code, out }))
  expect(codes).toEqual(Array(3).fill({ code: 0, out: 'There are no such jobs.\n' }))
  expect(asked).toEqual(['/box/api/jobs?limit=20', '/api/jobs?limit=20', '/api/jobs?limit=20'])
  await new Promise((resolve) => server.close(resolve))
})

test.each(['localhost:8000', 'ftp://example.com', 'http://', ''])('--server %j is refused as usage', async (value) => {
  const { code, err } = await call(['jobs', 'ls', '--server', value])
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('It must be an address such as') })
})

test("a server's refusal is shown with its own sentence", async () => {
  const env = { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: TOKEN }
  expect(await call(['jobs', 'show', 'x'], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('There is no job "x".'),
  })
  expect(await call(['events', 'ls', '--cursor', 'x'], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('cursor: unknown; pass the `next` of a previous page'),
  })
})
