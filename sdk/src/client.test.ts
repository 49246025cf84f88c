import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { DeploymentInput } from './api-deployments.ts'
import { signalbox } from './client.ts'

type Call = {
  method: string | undefined
  url: string | undefined
  headers: IncomingHttpHeaders
  body: string
}

/**
 * One scripted answer: a status with a body, or 'reset' to drop the connection without answering.
 */
type Answer = 'reset' | { status: number; body: unknown; headers?: Record<string, string> }

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/**
 * A real HTTP server that sends the scripted answers in turn, and a client whose waits are only
 * recorded.
 */
async function openServer(...answers: Answer[]) {
  const calls: Call[] = []
  const waits: number[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    calls.push({ method: request.method, url: request.url, headers: request.headers, body })
    const answer = answers.shift() ?? { status: 200, body: {} }
    if (answer === 'reset') {
      request.socket.destroy()
      return
    }
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    response.writeHead(answer.status, answer.headers).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const wait = async (delayMs: number) => void waits.push(delayMs)
  return { url, calls, waits, server, client: signalbox({ url: `${url}/with/a/path`, token: 't0ken', wait }) }
}

const deployment: DeploymentInput = {
  project_id: 'project_abc',
  app_name: 'customer-support-bot',
  variant_name: 'v2-optimized',
  environment: 'production',
  config: { temperature: 0.5 },
  deployed_by: 'jane@company.com',
}

const unavailable = { status: 503, body: { code: 'database_unavailable', detail: 'try again' } }

test('a deployment is posted with the token and an idempotency key', async () => {
  const { client, calls } = await openServer({ status: 201, body: { deployment_id: 'dep_1', sequence: 1 } })
  expect(await client.deploy(deployment)).toEqual({ deployment_id: 'dep_1', sequence: 1 })
  expect(calls).toMatchObject([{ method: 'POST', url: '/with/a/path/api/deployments' }])
  expect(calls[0]?.headers).toMatchObject({ authorization: 'Bearer t0ken', 'content-type': 'application/json' })
  expect(calls[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
  expect(JSON.parse(calls[0]?.body ?? '')).toEqual(deployment)
})

test('a test of an endpoint names its type and how long to wait for the attempt', async () => {
  const { client, calls } = await openServer()
  await client.endpoints.test('e 1', { type: 'push', waitMs: 5000 })
  await client.endpoints.test('e2')
  await client.events.type('job.failed')
  expect(calls).toMatchObject([
    { method: 'POST', url: '/with/a/path/api/endpoints/e%201/test?wait=5000', body: '{"type":"push"}' },
    { method: 'POST', url: '/with/a/path/api/endpoints/e2/test?wait=0', body: '{}' },
    { method: 'GET', url: '/with/a/path/api/event-types/job.failed' },
  ])
})

test('a deployment is repeated under the same key when the answer was lost or the server was away', async () => {
  const { client, calls, waits } = await openServer(
    'reset',
    { status: 429, body: { code: 'rate_limited', detail: 'later' } },
    { status: 502, body: '<html>' },
    { status: 200, body: {} },
  )
  await client.deploy(deployment, { idempotencyKey: 'ci-run-7' })
  expect(calls.map(({ headers }) => headers['idempotency-key'])).toEqual(Array(4).fill('ci-run-7'))
  expect(waits).toHaveLength(3)
  for (const [index, delayMs] of waits.entries()) {
    expect(delayMs).toBeGreaterThanOrEqual(250 * 2 ** index)
    expect(delayMs).toBeLessThan(500 * 2 ** index)
  }
})

test('after three repetitions the last error is the answer', async () => {
  const { client, calls } = await openServer(unavailable, unavailable, unavailable, unavailable, unavailable)
  const failure = { name: 'SignalboxError', status: 503, code: 'database_unavailable', detail: 'try again' }
  await expect(client.deploy(deployment)).rejects.toMatchObject(failure)
  expect(calls).toHaveLength(4)
})

test('a server that cannot be reached is an error of its own', async () => {
  const { client, server, waits } = await openServer()
  await new Promise((resolve) => server.close(resolve))
  await expect(client.deploy(deployment)).rejects.toMatchObject({
    status: 0,
    code: 'unreachable',
    cause: expect.any(TypeError),
  })
  expect(waits).toHaveLength(3)
})

test('a refusal is not repeated', async () => {
  const { client, calls } = await openServer({
    status: 422,
    body: { code: 'invalid_body', detail: 'config is missing' },
  })
  await expect(client.deploy(deployment)).rejects.toThrow('invalid_body: config is missing')
  expect(calls).toHaveLength(1)
})

test('a trigger is not repeated, because each is a new event', async () => {
  const { client, calls } = await openServer(unavailable)
  await expect(client.trigger('ping')).rejects.toMatchObject({ status: 503 })
  expect(calls).toMatchObject([{ method: 'POST', url: '/with/a/path/webhook/manual' }])
  expect(JSON.parse(calls[0]?.body ?? '')).toEqual({ job_type: 'ping', payload: {} })
  expect(calls[0]?.headers['idempotency-key']).toBeUndefined()
})

test('every call goes to its path, with its query and with ids escaped', async () => {
  const { client, calls } = await openServer()
  await client.events.list({ status: 'ignored', limit: 5, cursor: undefined })
  await client.events.get('a/b?c')
  await client.events.explain('1')
  await client.events.body('1')
  await client.jobs.list()
  await client.jobs.get('../secrets')
  await client.jobs.log('1', { after: 7, limit: undefined })
  await client.jobs.cancel('1')
  await client.jobs.retry('1')
  await client.jobs.approve('1', { by: 'ops' })
  await client.jobs.reject('1')
  await client.deployments.list({ app: 'a bot' })
  await client.deployments.get('deploy_1')
  await client.deployments.config('deploy_1')
  await client.endpoints.list()
  await client.deliveries.list({ event_id: '1' })
  await client.deliveries.get('1')
  await client.rules.list()
  await client.agents.list()
  await client.sources.list()
  await client.health()
  const paths = calls.map(({ method, url }) => `${method} ${url?.replace('/with/a/path', '')}`)
  expect(paths).toEqual([
    'GET /api/events?status=ignored&limit=5',
    'GET /api/events/a%2Fb%3Fc',
    'GET /api/events/1/explain',
    'GET /api/events/1/body',
    'GET /api/jobs',
    'GET /api/jobs/..%2Fsecrets',
    'GET /api/jobs/1/log?after=7',
    'POST /api/jobs/1/cancel',
    'POST /api/jobs/1/retry',
    'POST /api/jobs/1/approve',
    'POST /api/jobs/1/reject',
    'GET /api/deployments?app=a+bot',
    'GET /api/deployments/deploy_1',
    'GET /api/deployments/deploy_1/config',
    'GET /api/endpoints',
    'GET /api/deliveries?event_id=1',
    'GET /api/deliveries/1',
    'GET /api/rules',
    'GET /api/agents',
    'GET /api/sources',
    'GET /health',
  ])
  expect(calls.filter(({ headers }) => headers.authorization !== 'Bearer t0ken')).toEqual([])
})

test('a call without a body says nothing of one', async () => {
  const { client, calls } = await openServer()
  await client.jobs.cancel('1')
  expect(calls[0]).toMatchObject({ method: 'POST', body: '' })
  expect(calls[0]?.headers['content-type']).toBeUndefined()
})

test("an event's bytes come as they are, with the type they had", async () => {
  const headers = { 'x-original-content-type': 'application/json' }
  const refused = { status: 404, body: { code: 'not_found', detail: 'There is no event "2".' } }
  const { client } = await openServer({ status: 200, body: '\u0000{', headers }, { status: 200, body: '' }, refused)
  expect(await client.events.body('1')).toEqual({ bytes: new Uint8Array([0, 0x7b]), contentType: 'application/json' })
  expect(await client.events.body('1')).toEqual({ bytes: new Uint8Array(), contentType: null })
  await expect(client.events.body('2')).rejects.toMatchObject({ status: 404, code: 'not_found' })
})

test('an endpoint is created as given', async () => {
  const endpoint = { url: 'https://receiver.test/', events: ['environment.deployed'] }
  const { client, calls } = await openServer({ status: 201, body: { id: 'ep_1', secret: 'whsec_x' } })
  expect(await client.endpoints.create(endpoint)).toEqual({ id: 'ep_1', secret: 'whsec_x' })
  expect(JSON.parse(calls[0]?.body ?? '')).toEqual(endpoint)
})

test('a redirect or a page that no Signalbox server sent is an error that says so', async () => {
  const moved = { status: 302, body: '', headers: { location: 'http://127.0.0.1:9/' } }
  const { client } = await openServer(moved, { status: 200, body: '<h1>Welcome to nginx</h1>' })
  await expect(client.events.list()).rejects.toMatchObject({ status: 302, code: 'http_302' })
  await expect(client.events.list()).rejects.toMatchObject({ code: 'http_200', detail: '<h1>Welcome to nginx</h1>' })
})

test('a server that never answers is given up after the time limit', async () => {
  const never: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    })
  const client = signalbox({ url: 'http://signalbox.test', fetch: never, timeoutMs: 1 })
  await expect(client.health()).rejects.toMatchObject({
    code: 'unreachable',
    detail: 'There is no answer from http://signalbox.test.',
  })
})

test.each([
  [{ url: undefined as unknown as string }, 'url: must be the address'],
  [{ url: 'example' }, 'url: must be the address'],
  [{ url: 'http://localhost', token: 'two\nlines' }, 'token: must be visible ASCII'],
])('wrong options are refused at once, and a token is never quoted', (options, problem) => {
  expect(() => signalbox(options)).toThrow(problem)
})

describe('the feed of events', () => {
  const page = (ids: string[], next: string, atEnd = false) => ({
    status: 200,
    body: { items: ids.map((id) => ({ id, cursor: `after-${id}` })), next, at_end: atEnd },
  })

  test('goes on page after page, and waits for what comes', async () => {
    const { client, calls } = await openServer(page(['1', '2'], 'a'), page([], 'b', true), page(['3'], 'c'))
    const seen: string[] = []
    for await (const { id, cursor } of client.events.feed({ after: '0', type: 'push' })) {
      seen.push(`${id} ${cursor}`)
      if (id === '3') break
    }
    expect(seen).toEqual(['1 after-1', '2 after-2', '3 after-3'])
    const path = '/with/a/path/api/events?type=push'
    expect(calls.map(({ url }) => url)).toEqual(['0', 'a', 'b'].map((after) => `${path}&after=${after}&wait=20`))
  })

  test('outlasts a server that is away or busy, and nothing else', async () => {
    const busy = { status: 429, body: { code: 'rate_limited', detail: 'Too many.' } }
    const wrong = { status: 422, body: { code: 'input_invalid', detail: 'after: not a cursor' } }
    const { client, waits } = await openServer('reset', busy, page(['1'], 'a'), busy, wrong)
    const seen: string[] = []
    const reading = (async () => {
      for await (const { id } of client.events.feed({ after: '0' })) seen.push(id)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'input_invalid' })
    expect({ seen, waits }).toEqual({ seen: ['1'], waits: [500, 1000, 500] })
  })

  test('ends at the end when it is not to follow, or when its signal is aborted', async () => {
    const { client, calls } = await openServer(
      page(['1'], 'a'),
      page([], 'b'),
      page(['2'], 'c', true),
      page(['3'], 'd'),
    )
    const seen: string[] = []
    for await (const { id } of client.events.feed({ after: '0', follow: false })) seen.push(id)
    expect(seen).toEqual(['1', '2'])
    expect(calls[0]?.url).toContain('wait=0')
    const ending = new AbortController()
    for await (const { id } of client.events.feed({ after: 'c', form: 'envelope', signal: ending.signal })) {
      seen.push(id)
      ending.abort()
    }
    expect(seen).toEqual(['1', '2', '3'])
    expect(calls.at(-1)?.url).toContain('form=envelope')
  })
})
