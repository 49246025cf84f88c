// Every command that talks to a server, when there is none, a wrong one, or one that refuses.
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, TOKEN } from '../../test/signalbox.ts'
import { call } from '../../test/terminal.ts'
import { addressAndToken } from './api-client.ts'
import { keepToken } from './api-token.ts'
import { keepAddress, ownAddress } from './own-server.ts'

const COMMANDS = [
  ['events', 'ls'],
  ['events', 'show', 'x'],
  ['jobs', 'ls'],
  ['jobs', 'show', 'x'],
  ['jobs', 'log', 'x'],
  ['jobs', 'log', 'x', '--follow'],
  ['jobs', 'cancel', 'x'],
  ['jobs', 'retry', 'x'],
  ['jobs', 'approve', 'x'],
  ['jobs', 'reject', 'x'],
  ['deliveries', 'ls'],
  ['deliveries', 'show', 'x'],
  ['endpoints', 'ls'],
  ['endpoints', 'add', '--url', 'https://example.com'],
  ['rules', 'explain', '0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10'],
  ['trigger'],
]

const folder = mkdtempSync(join(tmpdir(), 'signalbox-client-'))
afterAll(() => rm(folder, { recursive: true }))

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
})
afterAll(() => signalbox.close())

describe.each(COMMANDS.map((args) => ({ args })))('$args', ({ args }) => {
  test('without a server says how to start one', async () => {
    const { code, out, err } = await call(args, { env: { SIGNALBOX_URL: 'http://127.0.0.1:9' } })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^signalbox: There is no answer from http:\/\/127\.0\.0\.1:9\. .+\n {2}→ .*signalbox dev/)
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

describe('the token', () => {
  const dataDir = join(folder, 'data')
  const shell = 'a-token-of-the-shell-of-this-user'
  /** The tokens that a command sends to a server here. */
  const sentWith = async (
    env: Record<string, string>,
    fromEnvFile: string[] = [],
    args: string[] = [],
    keep?: (url: string) => Promise<unknown>,
  ) => {
    const sent: (string | undefined)[] = []
    const server = createServer((request, response) => {
      sent.push(request.headers.authorization)
      response.setHeader('connection', 'close').end('{"items":[],"next":null}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await keep?.(`http://127.0.0.1:${port}`)
    const fill = (value: string) => value.replace('HERE', `127.0.0.1:${port}`).replace('PORT', `${port}`)
    const { err } = await call(['jobs', 'ls', ...args.map(fill)], {
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)])),
      fromEnvFile: new Set(fromEnvFile),
      folder,
    })
    await new Promise((resolve) => server.close(resolve))
    return { sent, err }
  }
  const here = { SIGNALBOX_URL: 'http://HERE' }

  test('that dev made in the folder is sent to where that listens, and nowhere else', async () => {
    const env = { SIGNALBOX_DATA_DIR: 'data' }
    const made = `Bearer ${await keepToken(dataDir)}`
    // Nothing of this folder runs: whoever has the port is somebody else.
    expect((await sentWith({ ...env, PORT: 'PORT' })).sent).toEqual([undefined])
    let forget: (() => Promise<void>) | undefined
    const keep = async (url: string) => {
      forget = await keepAddress(dataDir, url)
    }
    expect((await sentWith({ ...env, PORT: '9' }, [], [], keep)).sent).toEqual([made])
    expect((await sentWith({ ...env, ...here }, [], [], keep)).sent).toEqual([made])
    await keepAddress(dataDir, 'http://127.0.0.1:8000')
    const tokenFor = (SIGNALBOX_URL: string) =>
      addressAndToken({ env: { ...env, SIGNALBOX_URL }, fromEnvFile: new Set(), folder }, {}).token
    expect(tokenFor('http://localhost:8000')).toBe(made.slice(7))
    const others = ['https://example.com:8000', 'http://127.0.0.1.example.com:8000', 'http://localhost:8001']
    for (const url of [...others, 'http://localhost:8000@example.com']) expect(tokenFor(url)).toBeUndefined()
    await forget?.()
    expect(tokenFor('http://localhost:8000')).toBeUndefined()
  })

  test('is not sent to an address that an ended process left', async () => {
    const ended = spawnSync(process.execPath, ['-e', '']).pid
    await writeFile(
      join(dataDir, 'api-address'),
      JSON.stringify({ url: 'http://127.0.0.1:8000', pid: ended, startedAt: '1' }),
    )
    expect(ownAddress(dataDir)).toBeUndefined()
  })

  test('of SIGNALBOX_API_TOKEN wins', async () => {
    const env = { SIGNALBOX_DATA_DIR: 'data', SIGNALBOX_API_TOKEN: shell, ...here }
    expect((await sentWith(env)).sent).toEqual([`Bearer ${shell}`])
  })

  test('of the shell is never sent to an address of a .env file', async () => {
    const env = { SIGNALBOX_API_TOKEN: shell, ...here }
    const { sent, err } = await sentWith(env, ['SIGNALBOX_URL'])
    expect(sent).toEqual([])
    expect(err).toMatch(
      /^signalbox: SIGNALBOX_URL comes from the \.env file .*\n {2}→ Put both into the \.env file, or/,
    )
    const bearer = `Bearer ${shell}`
    expect((await sentWith(env, ['SIGNALBOX_URL', 'SIGNALBOX_API_TOKEN'])).sent).toEqual([bearer])
    expect((await sentWith(env, ['SIGNALBOX_API_TOKEN'])).sent).toEqual([bearer])
    const named = ['--server', 'http://HERE']
    expect((await sentWith({ ...env, SIGNALBOX_URL: 'http://127.0.0.1:9' }, ['SIGNALBOX_URL'], named)).sent).toEqual([
      bearer,
    ])
  })
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
