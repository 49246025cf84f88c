import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openFakeGithub } from '@signalbox/fake-github'
import { signBody } from '@signalbox/sdk'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const body = readFileSync(new URL('../src/agents/deployment-pr/fixtures/deployed-event.json', import.meta.url), 'utf8')
const secret = 'my_webhook_secret_key'
function example(path: string) {
  return fileURLToPath(new URL(`../examples/${path}`, import.meta.url))
}
const fake = await openFakeGithub()
const environment: Record<string, string> = {}
let signature = ''

beforeAll(async () => {
  const repo = await fake.addRepository({ owner: 'your-org', name: 'your-repo', files: { 'README.md': 'x\n' } })
  // The handlers' log.
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  signature = await signBody({ secret, body })
  Object.assign(environment, {
    AGENTA_WEBHOOK_SECRET: `another_live_secret_key, ${secret}`,
    GITHUB_TOKEN: fake.addToken({ login: 'your-org' }),
    GITHUB_REPO: repo.fullName,
    GITHUB_BASE_BRANCH: 'main',
    GITHUB_API_URL: fake.apiUrl,
  })
  Object.assign(process.env, environment)
})
afterAll(async () => {
  vi.restoreAllMocks()
  for (const name of Object.keys(environment)) delete process.env[name]
  await fake.close()
})

function startServer(more: Record<string, string>): ChildProcess {
  return spawn(process.execPath, ['--conditions=signalbox-source', example('handler-node/server.ts')], {
    env: { PATH: process.env.PATH ?? '', ...environment, ...more, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function expectPullRequest(answer: unknown) {
  return expect(answer).toMatchObject({ received: true, pr_created: true, pr_number: 1 })
}

test('the Node server prints where it listens, opens the pull request and ends on SIGTERM', async () => {
  const server = startServer({})
  const ended = once(server, 'exit')
  try {
    const [line] = await once(createInterface(server.stdout as NodeJS.ReadableStream), 'line')
    const url = /http:\/\/localhost:\d+/.exec(line)?.[0]
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'healthy', github_configured: true })
    const response = await fetch(`${url}/webhook`, {
      method: 'POST',
      body,
      headers: { 'X-Agenta-Signature': signature },
    })
    expectPullRequest(await response.json())
  } finally {
    server.kill('SIGTERM')
  }
  expect(await ended).toEqual([0, null])
})

test('the Node server takes no more connections and no larger bodies than it can hold', async () => {
  const server = startServer({})
  const ended = once(server, 'exit')
  const sockets: Socket[] = []
  try {
    const [line] = await once(createInterface(server.stdout as NodeJS.ReadableStream), 'line')
    const url = new URL(/http:\/\/localhost:\d+/.exec(line)?.[0] ?? '')
    const large = { method: 'POST', body: 'x'.repeat(2_000_000), headers: { 'X-Agenta-Signature': signature } }
    expect((await fetch(new URL('/webhook', url), large)).status).toBe(413)
    const closed = new Set<Socket>()
    for (let opened = 0; opened < 80; opened++) {
      const socket = connect(Number(url.port), url.hostname).on('error', () => {})
      socket.once('close', () => closed.add(socket))
      sockets.push(socket)
      await Promise.race([once(socket, 'connect'), once(socket, 'close')])
    }
    await expect.poll(() => closed.size).toBeGreaterThanOrEqual(30)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.kill('SIGTERM')
  }
  expect(await ended).toEqual([0, null])
})

test('without GITHUB_BASE_BRANCH the pull request is for the default branch of the repository', async () => {
  const repo = await fake.addRepository({
    owner: 'your-org',
    name: 'old',
    defaultBranch: 'master',
    files: { a: 'b\n' },
  })
  const { handlerFromEnvironment } = await import('../examples/handler-node/handler.ts')
  process.env.GITHUB_REPO = repo.fullName
  process.env.GITHUB_BASE_BRANCH = ''
  const handle = handlerFromEnvironment()
  Object.assign(process.env, environment)
  const headers = { 'x-agenta-signature': signature }
  expectPullRequest(await (await handle(new Request('http://h/webhook', { method: 'POST', body, headers }))).json())
  expect(await repo.pulls()).toMatchObject([{ base: { ref: 'master' } }])
})

test('the Node server refuses to start without a secret', async () => {
  const server = startServer({ AGENTA_WEBHOOK_SECRET: '' })
  const errors: string[] = []
  server.stderr?.on('data', (chunk) => errors.push(String(chunk)))
  expect(await once(server, 'close')).toEqual([1, null])
  expect(errors.join('')).toBe('The webhook secret must have at least 20 characters.\n')
})

test('the Vercel function answers POST and, for health, GET', async () => {
  const { GET, POST } = await import('../examples/handler-vercel/api/webhook.ts')
  const url = 'https://project.vercel.app/api/webhook'
  const request = new Request(url, { method: 'POST', body, headers: { 'x-agenta-signature': signature } })
  expectPullRequest(await (await POST(request)).json())
  expect(await (await GET(new Request(url))).json()).toMatchObject({ github_configured: true })
})

test('the Lambda function keeps the bytes of plain and base64 bodies', async () => {
  const { handler } = await import('../examples/handler-lambda/index.ts')
  const event = (method: string, rawPath: string) => ({
    rawPath,
    headers: { 'x-agenta-signature': signature, 'x-absent': undefined },
    requestContext: { domainName: 'x.lambda-url.example', http: { method } },
  })
  const plain = await handler({ ...event('POST', '/prod/webhook'), body })
  expect(plain).toMatchObject({ statusCode: 200, headers: { 'content-type': 'application/json' } })
  expectPullRequest(JSON.parse(plain.body))
  const encoded = { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }
  expectPullRequest(JSON.parse((await handler({ ...event('POST', '/webhook'), ...encoded })).body))
  expect(await handler({ ...event('POST', '/webhook'), body: 'tampered' })).toMatchObject({ statusCode: 401 })
  expect(await handler(event('GET', '/health'))).toMatchObject({ statusCode: 200 })
  expect(await handler({ ...event('POST', '/webhook'), headers: { 'x-agenta-signature': '–' }, body })).toMatchObject({
    statusCode: 400,
  })
  expect(await handler(event('TRACE', '/webhook'))).toMatchObject({ statusCode: 400 })
})
