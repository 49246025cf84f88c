// Testing endpoints over the API: a real delivery to a real receiver.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifyWebhook } from '@signalbox/sdk'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox } from '../../../test/signalbox.ts'
import { until } from '../../../test/until.ts'

const SECRET = 'a-secret-of-more-than-20-characters'

let signalbox: TestSignalbox
let api: DescribedApi
let url: string
let received: { headers: Record<string, string>; body: string }[] = []
let status = 200
const receiver = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  received.push({ headers: request.headers as Record<string, string>, body })
  response.writeHead(status, { connection: 'close' }).end('seen')
})
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  signalbox = await openTestSignalbox()
  api = await describedApi(signalbox)
})
afterAll(async () => {
  receiver.close()
  await signalbox.close()
})
beforeEach(() => {
  received = []
  status = 200
})

let endpoints = 0
async function create(more: object = {}): Promise<string> {
  const request = { url, name: `endpoint ${endpoints++}`, secret: SECRET, events: ['job.*'], ...more }
  return (await api.post('/endpoints', request)).body.id as string
}

test('a test arrives signed and marked, and with wait the answer has its attempt', async () => {
  const id = await create()
  const { status, body } = await api.post(`/endpoints/${id}/test?wait=20000`, {})
  expect({ status, body }).toMatchObject({
    status: 201,
    body: {
      endpoint_id: id,
      event_type: 'job.completed',
      status: 'succeeded',
      max_attempts: 1,
      attempts: [{ attempt: 1, status_code: 200, response: 'seen' }],
    },
  })
  const [first, ...others] = received
  expect(others).toEqual([])
  const verified = await verifyWebhook(first ?? { headers: {}, body: '' }, { secret: SECRET })
  expect(verified).toMatchObject({ id: body.event_id, event: 'job.completed', payload: { data: { test: true } } })
  expect((await api.get(`/events/${body.event_id}`)).body).toMatchObject({ source: 'test', type: 'job.completed' })
})

test('a test is of the type that is asked for, even of one that the endpoint does not want', async () => {
  const id = await create({ environments: ['none'] })
  const { body } = await api.post(`/endpoints/${id}/test?wait=20000`, { type: 'environment.deployed' })
  expect(body).toMatchObject({ event_type: 'environment.deployed', status: 'succeeded' })
  expect(received[0]?.headers['x-agenta-event']).toBe('environment.deployed')
})

test('a test that fails is not repeated', async () => {
  status = 500
  const { body } = await api.post(`/endpoints/${await create()}/test?wait=20000`, {})
  expect(body).toMatchObject({ status: 'failed', error: 'http_500', next_attempt_at: null })
})

test('a test is for one endpoint, and makes no job', async () => {
  await create({ events: ['*'], environments: null })
  const { body } = await api.post(`/endpoints/${await create()}/test?wait=20000`, { type: 'push' })
  expect((await api.get(`/deliveries?event_id=${body.event_id}`)).body.items).toHaveLength(1)
  expect((await api.get(`/jobs?event_id=${body.event_id}`)).body.items).toEqual([])
})

test('without wait the answer is the delivery as it begins', async () => {
  const { status, body } = await api.post(`/endpoints/${await create()}/test`, {})
  expect([status, ['pending', 'running', 'succeeded'].includes(body.status as string)]).toEqual([201, true])
  await until('it has arrived', async () => received.length > 0)
})

test.each([
  ['a type that is not known', { type: 'job.complete' }, '', 404, /did you mean "job\.completed"/],
  ['another field', { event: 'push' }, '', 422, /"event"/],
  ['a longer wait than twenty seconds', {}, '?wait=20001', 422, /wait/],
])('%s is refused with what is wrong', async (_, request, query, expected, sentence) => {
  const { status, body } = await api.post(`/endpoints/${await create()}/test${query}`, request)
  expect([status, body.detail]).toEqual([expected, expect.stringMatching(sentence)])
  expect(received).toEqual([])
})

test('an endpoint that is not there, or to which nothing is sent, is refused', async () => {
  expect((await api.post('/endpoints/none/test', {})).status).toBe(404)
  const paused = await api.post(`/endpoints/${await create({ status: 'paused' })}/test`, {})
  expect(paused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('The endpoint is paused') } })
})
