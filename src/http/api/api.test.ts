// What every route of the API has in common: who is let in, how a wrong request is answered.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox } from '../../../test/signalbox.ts'

let signalbox: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
})
afterAll(() => signalbox.close())

const LISTS = ['events', 'jobs', 'deployments', 'endpoints', 'deliveries', 'findings']

test('nobody without the token learns anything, not even what there is', async () => {
  for (const path of ['/api/jobs', '/api/openapi.json', '/api/nothing', '/api/jobs?limit=x', '/api/jobs/%00']) {
    const response = await signalbox.api(path, { headers: { authorization: 'Bearer guessed' } })
    expect([path, response.status, ((await response.json()) as { code: string }).code]).toEqual([
      path,
      401,
      'token_invalid',
    ])
  }
})

test.each([
  ['DELETE', '/api/jobs', 'GET'],
  ['PUT', '/api/deployments', 'POST, GET'],
  ['GET', '/api/jobs/x/retry', 'POST'],
])('%s %s is refused with the methods there are', async (method, path, allow) => {
  const response = await signalbox.api(path, { method })
  expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
  expect(await response.json()).toMatchObject({ code: 'method_not_allowed' })
})

test('no operation finds something under an id that is not valid', async () => {
  const operations = Object.entries(api.description.paths).flatMap(([path, methods]) =>
    path.includes('{id}') ? Object.keys(methods).map((method) => [method.toUpperCase(), path] as const) : [],
  )
  expect(operations.length).toBeGreaterThan(10)
  for (const [method, path] of operations) {
    const body = path.endsWith('/recover') ? { since: '2026-01-01T00:00:00Z' } : {}
    const asked = { method, ...(method !== 'GET' && { body }) }
    const { status } = await signalbox.api(`/api${path.replace('{id}', 'none')}`, asked)
    expect([method, path, status]).toEqual([method, path, 404])
  }
})

test('every operation has a name of its own, which its method and its address say', () => {
  const named = Object.entries(api.description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => [`${method} ${path}`, operationId] as const),
  )
  const ids = named.map(([, id]) => id)
  expect(ids).toHaveLength(new Set(ids).size)
  for (const [operation, id] of named)
    expect([operation, id]).toEqual([operation, expect.stringMatching(/^[a-z][A-Za-z]+$/)])
  const names = Object.fromEntries(named)
  expect(names['get /jobs']).toBe('getJobs')
  expect(names['post /jobs/{id}/retry']).toBe('postJobsByIdRetry')
  expect(names['post /nodes/drain-older']).toBe('postNodesDrainOlder')
})

test('what is nowhere is not found, whatever the method', async () => {
  for (const method of ['GET', 'DELETE']) {
    expect((await signalbox.api('/api/nothing', { method })).status).toBe(404)
  }
})

test.each(['rules', 'agents', 'sources'])('GET /api/%s refuses a query, which it has no use for', async (noun) => {
  const { status, body } = await api.get(`/${noun}?name=ping`)
  expect([status, body]).toEqual([422, { code: 'input_invalid', detail: 'the request: unknown field "name"' }])
})

describe.each(LISTS)('GET /api/%s', (noun) => {
  const detailOf = async (query: string) => (await api.get(`/${noun}?${query}`)).body.detail

  test.each([
    ['limit=0', 'limit: '],
    ['limit=101', 'limit: '],
    ['limit=1.5', 'limit: '],
    ['limit=x', 'limit: '],
    ['cursor=x', 'cursor: unknown; pass the `next` of a previous page'],
    ["cursor=' or 1=1 --", 'cursor: unknown'],
    ['stauts=failed', 'the request: unknown field "stauts"'],
    ['limit=1&limit=2', 'limit: '],
  ])('refuses %s, naming the field', async (query, sentence) => {
    const { status, body } = await api.get(`/${noun}?${query}`)
    expect(status).toBe(422)
    expect(body).toEqual({ code: 'input_invalid', detail: expect.stringContaining(sentence) })
  })

  test('names every wrong field at once', async () => {
    const detail = await detailOf('limit=0&surplus=1&other=2')
    expect(detail).toMatch(
      /^limit: must be at least 1\nthe request: unknown field "surplus"\nthe request: unknown field "other"$/,
    )
  })

  test('is empty at first, and a page after nothing is empty too', async () => {
    expect((await api.get(`/${noun}`)).body).toEqual({ items: [], next: null })
    const cursor = '0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10'
    expect((await api.get(`/${noun}?cursor=${cursor}`)).body).toEqual({ items: [], next: null })
  })

  test('cannot be searched for what PostgreSQL cannot store', async () => {
    const response = await signalbox.api(`/api/${noun}?type=a%00b`)
    expect(response.status).toBe(422)
    expect(await response.json()).toEqual({ code: 'input_invalid', detail: expect.stringContaining('%00') })
  })
})

test.each([
  ['jobs', 'status=done', 'status: '],
  ['events', 'status=done', 'status: '],
  ['deliveries', 'status=done', 'status: '],
  ['endpoints', 'status=done', 'status: '],
  [
    'jobs',
    'event_id=7',
    'event_id: not an id; give it, or at least 6 characters of its beginning or end, as lists show it',
  ],
  ['deliveries', 'event_id=7', 'event_id: not an id'],
  ['deliveries', 'endpoint_id=7', 'endpoint_id: not an id'],
])('GET /api/%s?%s is refused with %j', async (noun, query, sentence) => {
  const { status, body } = await api.get(`/${noun}?${query}`)
  expect({ status, detail: body.detail }).toEqual({ status: 422, detail: expect.stringContaining(sentence) })
})

test.each(['events', 'jobs', 'deployments', 'deliveries'])(
  'one of the %s that there is not is not found',
  async (noun) => {
    for (const id of ['none', '0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10', "'; drop table x", '%F0%9F%9A%80', '..%2F..']) {
      const { status, body } = await api.get(`/${noun}/${id}`)
      expect({ status, body }).toEqual({
        status: 404,
        body: {
          code: 'not_found',
          detail: `There is no ${noun.replace(/ies$/, 'y').replace(/s$/, '')} ${JSON.stringify(decodeURIComponent(id))}.`,
        },
      })
    }
  },
)

test.each([
  ['POST', '/api/rules', 405, 'GET'],
  ['DELETE', '/api/jobs/some-id/log', 405, 'GET'],
  ['GET', '/api/jobs/some-id/cancel', 405, 'POST'],
  ['POST', '/api/jobs//log', 404, null],
  ['POST', '/api/jobs/some-id/log/more', 404, null],
  ['POST', '/api/rule', 404, null],
])('%s %s is answered with %i, and the methods that the address takes', async (method, path, status, allow) => {
  const response = await signalbox.api(path, { method })
  expect([response.status, response.headers.get('allow')]).toEqual([status, allow])
})
