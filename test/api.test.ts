// The API over real HTTP: what its description says is what it does, and no request costs it more
// than an error.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import { storeTestFindings } from '../src/findings/fixtures/stored.ts'
import { newId } from '../src/lib/id.ts'
import type { DescribedApi } from './described-api.ts'
import { describedApi } from './described-api.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, until } from './signalbox.ts'

const MB = 1024 * 1024

let signalbox: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
})
afterAll(() => signalbox.close())

/** Where a schema says of a value nothing, or only that it is an object or a list. */
function bareObjects(schema: object, named: Record<string, object>, at = '', seen: readonly string[] = []): string[] {
  type Schema = {
    $ref?: string
    type?: unknown
    properties?: object
    additionalProperties?: object | boolean
    items?: object
    anyOf?: object[]
    allOf?: object[]
  }
  const { $ref, type, properties, additionalProperties, items, anyOf, allOf } = schema as Schema
  if ($ref !== undefined) {
    const name = $ref.split('/').at(-1) ?? ''
    return seen.includes(name) ? [] : bareObjects(named[name] ?? {}, named, at, [...seen, name])
  }
  const inner = [...(anyOf ?? []), ...(allOf ?? [])].map((each) => [at, each] as const)
  for (const [key, each] of Object.entries(properties ?? {})) inner.push([`${at}.${key}`, each])
  if (typeof additionalProperties === 'object') inner.push([`${at}.*`, additionalProperties])
  if (items !== undefined) inner.push([`${at}.*`, items])
  const isBare =
    inner.length === 0 && (type === undefined || type === 'object' || type === 'array') && !('const' in schema)
  return isBare ? [at] : inner.flatMap(([place, each]) => bareObjects(each, named, place, seen))
}

const EXAMPLES: Record<string, Record<string, unknown>> = {
  '/deployments': {
    project_id: 'p',
    app_name: 'bot',
    variant_name: 'v1',
    variant_id: null,
    environment: 'staging',
    revision: 3,
    config: { temperature: 0.5 },
    commit_message: 'Calmer',
    deployed_by: 'jane',
  },
  '/endpoints': {
    url: 'https://example.com/hook',
    name: 'example',
    secret: 'a-secret-of-more-than-20-characters',
    events: ['*'],
    environments: null,
    apps: ['bot'],
    projects: ['p'],
    conditions: { 'data.revision': { gte: 3 } },
    headers: { 'X-Tenant': 'acme' },
    format: 'raw',
    signatures: ['standard'],
    ordering: 'ordered',
    schedule: [5, 60],
    rate_per_second: 0.5,
    concurrency: 2,
    templates: { 'job.*': 'It ended.' },
    status: 'paused',
  },
}

describe('the description', () => {
  const operations = () =>
    Object.entries(api.description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )

  test('says that the token is wanted, and everywhere what a refusal looks like', () => {
    expect(api.description.security).toEqual([{ token: [] }])
    expect(operations().filter(({ operation }) => !('default' in operation.responses))).toEqual([])
  })

  test('has a summary of its own for every operation', () => {
    const summaries = operations().map(({ operation }) => operation.summary)
    for (const summary of summaries) expect(summary).toMatch(/^[A-Z][a-z].{5,60}[^.]$/)
    expect(new Set(summaries).size).toBe(summaries.length)
  })

  test('names the fields of every answer, down to its rows', () => {
    const { schemas } = api.description.components
    const bare = operations().flatMap(({ path, method, operation }) =>
      Object.entries(operation.responses).flatMap(([status, { content = {} }]) => {
        const { schema } = content['application/json'] ?? {}
        return (schema ? bareObjects(schema, schemas) : []).map((at) => `${method} ${path} ${status}${at}`)
      }),
    )
    expect(bare).toEqual([])
    expect(bareObjects({ properties: { items: { type: 'array', items: { type: 'object' } } } }, {})).toEqual([
      '.items.*',
    ])
    expect(bareObjects({}, {})).toEqual([''])
  })

  test('knows every address it names: each answers with a status it lists, or a refusal', async () => {
    for (const { path, method, operation } of operations()) {
      const response = await signalbox.api(`/api${path.replace('{id}', 'none')}`, { method: method.toUpperCase() })
      const { code } = (await response.clone().json()) as { code?: string }
      const isListed = String(response.status) in operation.responses
      expect([path, isListed || code !== undefined]).toEqual([path, true])
      expect(JSON.stringify(await response.json()), path).not.toContain('There is nothing at')
    }
  })

  test.each(Object.keys(EXAMPLES))('of the body of POST %s is what is accepted', async (path) => {
    const { schema } = api.description.paths[path]?.post?.requestBody?.content['application/json'] ?? {}
    // What an endpoint needs depends on its kind, which is a webhook if nothing is said.
    const { properties, required = ['url'] } = schema as { properties: object; required?: string[] }
    const full = EXAMPLES[path] ?? {}
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(full)))
    expect((await api.post(path, full)).status).toBe(201)
    expect((await api.post(path, Object.fromEntries(required.map((name) => [name, full[name]])))).status).toBe(201)
    for (const name of required) {
      const { [name]: _, ...without } = full
      expect(await api.post(path, without)).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining(`${name}: is required`) },
      })
    }
    expect(await api.post(path, { ...full, surplus: 1 })).toMatchObject({
      status: 422,
      body: { code: 'input_invalid', detail: expect.stringContaining('"surplus"') },
    })
  })

  test('says what a field of a body may be, in words and bounds', () => {
    const { schema } = api.description.paths['/deployments']?.post?.requestBody?.content['application/json'] ?? {}
    expect(schema).toMatchObject({
      additionalProperties: false,
      properties: {
        project_id: { type: 'string', maxLength: 200 },
        config: { type: 'object', description: expect.stringContaining('1 MB') },
      },
    })
  })
})

const worker = defineAgent({
  name: 'worker',
  description: 'Works.',
  input: z.unknown(),
  run: async ({ step, log, event }) => {
    log('begun')
    return { result: await step('look', () => ({ type: event?.type ?? null })) }
  },
})
const broken = defineAgent({
  name: 'broken',
  description: 'Fails.',
  input: z.unknown(),
  run: () => Promise.reject('broken'),
})

test('every answer is as it is described, of every route and with rows in each', async () => {
  const receiver = createServer((_request, response) => response.writeHead(500, { connection: 'close' }).end('no'))
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const github = await openFakeGithub()
  const repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
  const busy = await openTestSignalbox({
    env: await missingWebhooks(github, repository),
    config: {
      agents: [worker, broken],
      rules: [
        {
          name: 'work',
          on: 'environment.deployed',
          agent: 'worker',
          concurrency: { key: 'deploy:{app}' },
          with: { deep: [1] },
        },
        { name: 'fail', on: ['environment.*'], when: { app: 'bot' }, agent: 'broken', maxAttempts: 1 },
      ],
    },
  })
  const checked = await describedApi(busy)
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  try {
    await checked.post('/endpoints', { url })
    await checked.post('/endpoints', { url, secret: 'a-secret-of-more-than-20-characters', apps: ['other'] })
    const deployment = { ...EXAMPLES['/deployments'], environment: 'production' }
    const { body: deployed } = await checked.post('/deployments', deployment, { 'idempotency-key': 'once' })
    expect((await checked.post('/deployments', deployment, { 'idempotency-key': 'once' })).status).toBe(200)
    const jobs = await until('both jobs have ended', async () => {
      const { items } = (await checked.get(`/jobs?event_id=${deployed.event_id}`)).body as { items: JobRow[] }
      return items.length === 2 && items.every(({ status }) => /completed|failed/.test(status)) && items
    })
    await until('the delivery was attempted', async () => {
      const { items } = (await checked.get('/deliveries')).body as { items: { attempts: number; error: string }[] }
      return items[0]?.error === 'http_500'
    })
    await busy.database.query(
      `insert into signalbox.outputs (id, job_id, position, kind, repository, body, status, reason, receipt, published_at) values
         ($1, $3, 0, 'comment', 'o/r', '{"kind":"comment"}', 'published', null, '{"url":"https://x","created":true}', now()),
         ($2, $3, 1, 'labels', 'o/r', '{"kind":"labels"}', 'refused', 'not allowed', null, null)`,
      [newId(), newId(), jobs.find(({ rule }) => rule === 'work')?.id],
    )
    await busy.database.query(
      `insert into signalbox.deployment_pull_requests
         (deployment_id, repository, number, url, state, event_id, updated_at)
       select id, 'acme/bot', 1, 'https://x', 'open', event_id, now() from signalbox.deployments`,
    )
    for (const { id, rule, status } of jobs) {
      expect({ rule, status }).toEqual({ rule, status: rule === 'work' ? 'completed' : 'failed' })
      expect((await checked.get(`/jobs/${id}`)).body).toMatchObject(rule === 'work' ? DONE_JOB : FAILED_JOB)
      expect((await checked.get(`/jobs/${id}/log`)).status).toBe(200)
    }
    const failed = jobs.find(({ rule }) => rule === 'fail')?.id
    await checked.post(`/jobs/${failed}/retry`)
    await until('it failed again', async () => (await checked.get(`/jobs/${failed}`)).body.status === 'failed')
    expect((await checked.post(`/jobs/${failed}/cancel`)).status).toBe(409)
    await busy.database.query(
      `update signalbox.jobs set status = 'pending', available_at = now() + interval '1 day' where id = $1`,
      [failed],
    )
    await busy.database.query(
      `insert into signalbox.job_waits (job_id, name, kind, attempt, approval, since, until)
       values ($1, 'ship', 'approval', 1, '{"reason":"Ship it"}', now(), now() + interval '1 day')`,
      [failed],
    )
    for (const verb of ['approve', 'reject']) {
      expect((await checked.post(`/jobs/${failed}/${verb}`)).body).toMatchObject({ waits: [{ name: 'ship' }] })
    }
    expect((await checked.post(`/jobs/${failed}/priority`, { priority: 3 })).body).toMatchObject({ priority: 3 })
    expect((await checked.post(`/jobs/${failed}/cancel`)).body).toMatchObject({ status: 'cancelled' })
    const [delivery] = (await checked.get('/deliveries')).body.items as { id: string }[]
    expect((await checked.get(`/deliveries/${delivery?.id}`)).body).toMatchObject({
      attempts: [{ attempt: 1, outcome: 'retried', status_code: 500, response: 'no' }],
    })
    for (const path of ['/events', `/events/${deployed.event_id}`, `/events/${deployed.event_id}/explain`]) {
      expect((await checked.get(path)).status).toBe(200)
    }
    for (const path of ['', '/ID', '/ID/config'].map((end) => end.replace('ID', `${deployed.deployment_id}`))) {
      expect((await checked.get(`/deployments${path}`)).status).toBe(200)
    }
    const [tested] = (await checked.get('/endpoints')).body.items as { id: string }[]
    expect((await checked.post(`/endpoints/${tested?.id}/test?wait=20000`, {})).body).toMatchObject({
      status: 'failed',
    })
    expect((await checked.post('/endpoints/test', { url })).body).toMatchObject({ arrived: false })
    expect((await checked.get('/event-types/push')).status).toBe(200)
    for (const path of ['/endpoints', '/rules', '/agents', '/sources', '/event-types']) {
      expect((await checked.get(path)).body.items).not.toEqual([])
    }
    expect((await checked.post('/rules/work/pause')).body).toMatchObject({ paused: { reason: 'By hand.' } })
    expect((await checked.get('/rules')).body.items).toMatchObject([
      { paused: { reason: 'By hand.' } },
      { paused: null },
    ])
    expect((await checked.post('/rules/work/resume')).body).toMatchObject({ paused: null })
    expect((await checked.get(`/deliveries/${delivery?.id}/curl`)).body.command).toMatch(/^curl -X POST 'http/)
    expect((await checked.post('/replays', { event_id: deployed.event_id, dry_run: true })).body).toMatchObject({
      jobs: [{ rule: 'work' }, { rule: 'fail' }],
    })
    const since = 'since=2026-01-01T00:00:00Z'
    expect((await checked.get(`/backtests?${since}`)).body).toMatchObject({ tally: { rules: [{ rule: 'work' }, {}] } })
    expect((await checked.get(`/backtests/events?${since}`)).body.items).not.toEqual([])
    expect((await checked.get('/backtests/costs')).body.items).toMatchObject([{ rule: 'work' }])
    expect((await checked.get(`/trace/${deployed.deployment_id}`)).body.nodes).not.toEqual([])
    expect((await checked.get('/why?about=bot/production')).body.items).not.toEqual([])
    const recovery = { since: '2026-01-01T00:00:00Z', dry_run: true }
    expect((await checked.post(`/endpoints/${tested?.id}/recover`, recovery)).body).toMatchObject({ dry_run: true })
    const [endpoint] = (await checked.get('/endpoints')).body.items as { id: string }[]
    expect((await checked.get(`/endpoints/${endpoint?.id}`)).body).toEqual(endpoint)
    expect((await checked.post(`/deliveries/${delivery?.id}/redeliver`)).body).toMatchObject({ status: 'pending' })
    expect((await checked.patch(`/endpoints/${endpoint?.id}`, { url: `${url}2` })).body).toMatchObject({ dropped: [] })
    expect((await checked.post(`/endpoints/${endpoint?.id}/rotate`)).body.secret).toMatch(/^whsec_/)
    expect((await checked.delete(`/endpoints/${endpoint?.id}?force=true`)).body).toMatchObject({ deleted: true })
    for (const [verb, body] of Object.entries({ retry: {}, cancel: {}, priority: { priority: 3 } })) {
      const chosen = { rule: 'work', dry_run: true, ...body }
      expect((await checked.post(`/jobs/${verb}`, chosen)).body).toMatchObject({ dry_run: true, more: false })
    }
    const paused = { kind: 'source', name: 'agenta' }
    expect((await checked.post('/pauses', paused)).body).toMatchObject({ ...paused, stopped: 0 })
    expect((await checked.get('/pauses')).body.items).toMatchObject([paused])
    expect((await checked.get('/sources')).status).toBe(200)
    expect((await checked.delete('/pauses?kind=source&name=agenta')).body).toMatchObject({ resumed: true })
    await storeTestFindings(busy.database)
    const [finding] = (await checked.get('/findings')).body.items as { id: string }[]
    expect((await checked.get(`/findings/${finding?.id}`)).body).toEqual(finding)
    expect((await checked.post(`/findings/${finding?.id}/dismiss`)).body).toMatchObject({ status: 'dismissed' })
    expect((await checked.get('/findings/precision')).body.items).toHaveLength(2)
    await askGaps(checked, repository, github)
    await askNodes(checked, busy)
    await busy.database.query('delete from signalbox.deployment_pull_requests')
    await busy.database.query('delete from signalbox.jobs where event_id = $1', [deployed.event_id])
    expect((await checked.post('/gaps/level')).body.items).toMatchObject([{ kind: 'deployment' }])
    // The one answer that is no JSON has a test of its own.
    const described = Object.entries(checked.description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { responses }]) =>
        Object.entries(responses)
          .filter(([status, { content }]) => status !== 'default' && 'application/json' in (content ?? {}))
          .map(([status]) => `${method.toUpperCase()} ${path} ${status}`),
      ),
    )
    expect(described.filter((each) => !checked.seen.has(each))).toEqual([])
  } finally {
    receiver.close()
    await busy.close()
    await github.close()
  }
})

/** What a Signalbox is set up with whose webhooks do not arrive. */
async function missingWebhooks(github: FakeGithub, repository: RepositoryHandle): Promise<Record<string, string>> {
  const hook = await repository.addWebhook({ url: 'http://127.0.0.1:9/webhook/github' })
  return {
    GITHUB_TOKEN: github.addToken({ login: 'acme' }),
    GITHUB_API_URL: github.apiUrl,
    GITHUB_HOOKS: `repos/acme/shop/hooks/${hook}`,
    GITHUB_GAPS_INTERVAL_SECONDS: '0',
  }
}

async function askGaps(checked: DescribedApi, repository: RepositoryHandle, github: FakeGithub): Promise<void> {
  // The first look says from when on webhooks concern this server.
  expect((await checked.post('/gaps/check')).body).toMatchObject({ complete: true })
  await repository.openIssue({ title: 'One' })
  await github.settled()
  expect((await checked.post('/gaps/check')).body).toMatchObject({ hooks: [{ missed: 1, recovered: 1 }] })
  const [gap] = (await checked.get('/gaps')).body.items as { id: string }[]
  expect((await checked.get(`/gaps/${gap?.id}`)).body).toMatchObject({
    ...gap,
    events: [{ type: 'issues.opened', outcome: 'recovered' }],
  })
  expect((await checked.get('/gaps/hooks')).body.items).toMatchObject([{ problem: null }])
}

async function askNodes(checked: DescribedApi, { database }: TestSignalbox): Promise<void> {
  const older = newId()
  await database.query(
    `insert into signalbox.nodes (id, host, pid, roles, version, started_at)
     values ($1, 'elsewhere', 7, '{orchestrator}', '0.0.1', now() - interval '1 day')`,
    [older],
  )
  expect((await checked.get('/nodes')).body).toMatchObject({
    items: [{ id: older }, { status: 'idle' }],
    differences: [expect.stringContaining('0.0.1'), expect.anything(), expect.anything()],
  })
  await database.query(
    `update signalbox.jobs set status = 'running', owner = $1, available_at = now() + interval '1 hour' where rule = 'work'`,
    [older],
  )
  expect((await checked.get(`/nodes/${older}`)).body).toMatchObject({ drain_at: null, work: [{ name: 'work' }] })
  expect((await checked.post('/nodes/drain-older')).body.items).toMatchObject([{ id: older }])
  expect((await checked.post(`/nodes/${older}/drain`)).body).toMatchObject({ drain_at: expect.any(String) })
}

type JobRow = { id: string; rule: string; status: string }

const DONE_JOB = {
  payload: { event: 'environment.deployed', app: 'bot', input: { deep: [1] } },
  result: { type: 'environment.deployed' },
  group: 'deploy:bot',
  attempts: [{ attempt: 1, outcome: 'completed' }],
  outputs: [{ status: 'published' }, { status: 'refused', reason: 'not allowed' }],
  log: [{ stream: 'log', line: 'begun' }],
}
const FAILED_JOB = {
  status: 'failed',
  attempts: [{ outcome: 'failed' }],
  outputs: [],
  log: [{ stream: 'stderr', line: 'broken' }],
}

describe('a bad body', () => {
  const send = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(`${signalbox.url}/api/deployments`, {
      method: 'POST',
      headers: {
        authorization: 'Bearer an-api-token-of-32-characters-yes',
        'content-type': 'application/json',
        ...headers,
      },
      body,
    })
  const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code]

  test('gets its error', async () => {
    expect(await codeOf(await send('{"a":'))).toEqual([400, 'body_invalid'])
    expect(await codeOf(await send(''))).toEqual([400, 'body_invalid'])
    expect(await codeOf(await send(new Uint8Array([0x22, 0xff, 0x22])))).toEqual([400, 'body_invalid'])
    expect(await codeOf(await send('{}', { 'content-type': 'text/plain' }))).toEqual([415, 'content_type_unsupported'])
    expect(await codeOf(await send('{}', { 'content-encoding': 'gzip' }))).toEqual([415, 'content_type_unsupported'])
    expect(await codeOf(await send('[]'))).toEqual([422, 'input_invalid'])
  })

  test('of 24 MB of brackets is refused before it is parsed', async () => {
    const half = 12 * MB - 10
    const body = `{"config":${'['.repeat(half)}${']'.repeat(half)}}`
    const before = process.memoryUsage().rss
    expect(await codeOf(await send(body))).toEqual([400, 'body_invalid'])
    expect((process.memoryUsage().rss - before) / MB).toBeLessThan(300)
  })
})
