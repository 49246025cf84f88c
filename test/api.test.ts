// The API over real HTTP: what its description says is what it does, and no request costs it more
// than an error.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox } from './signalbox.ts'

const MB = 1024 * 1024

type Schema = { properties: Record<string, object>; required: string[] }
type Operation = {
  parameters?: { name: string; in: string }[]
  requestBody?: { content: { 'application/json': { schema: Schema } } }
  responses: Record<string, object>
}
type Description = { paths: Record<string, Record<string, Operation>>; security: object[] }

let signalbox: TestSignalbox
let description: Description
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  description = (await (await signalbox.api('/api/openapi.json')).json()) as Description
})
afterAll(() => signalbox.close())

async function post(path: string, body: unknown) {
  const response = await signalbox.api(`/api${path}`, { method: 'POST', body })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
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
    status: 'paused',
  },
}

describe('the description', () => {
  const operations = () =>
    Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )

  test('says that the token is wanted, and everywhere what a refusal looks like', () => {
    expect(description.security).toEqual([{ token: [] }])
    expect(operations().filter(({ operation }) => !('default' in operation.responses))).toEqual([])
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
    const operation = description.paths[path]?.post as Required<Operation>
    const { properties, required } = operation.requestBody.content['application/json'].schema
    const full = EXAMPLES[path] ?? {}
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(full)))
    expect((await post(path, full)).status).toBe(201)
    expect((await post(path, Object.fromEntries(required.map((name) => [name, full[name]])))).status).toBe(201)
    for (const name of required) {
      const { [name]: _, ...without } = full
      expect(await post(path, without)).toMatchObject({ status: 422, body: { detail: expect.stringContaining(name) } })
    }
    expect(await post(path, { ...full, surplus: 1 })).toMatchObject({ status: 422, body: { code: 'input_invalid' } })
  })
})

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
