// An endpoint tried before it is made.
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifyWebhook } from '@signalbox/sdk'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox } from '../../../test/signalbox.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
let received: { headers: IncomingHttpHeaders; body: Buffer }[] = []
let status = 200
const receiver = createServer(async (request, response) => {
  received.push({ headers: request.headers, body: Buffer.concat(await request.toArray()) })
  response.writeHead(status, { 'x-seen': 'yes' }).end('seen')
})
let signalbox: TestSignalbox
let api: DescribedApi
let url: string
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  signalbox = await openTestSignalbox()
  api = await describedApi(signalbox)
})
beforeEach(() => {
  received = []
  status = 200
})
afterAll(async () => {
  await signalbox?.close()
  receiver.closeAllConnections()
  receiver.close()
})

test('it is sent an example, signed, and nothing is stored', async () => {
  const headers = { 'X-Tenant': 'acme-secret-value' }
  const { status: code, body } = await api.post('/endpoints/test', { url, secret: SECRET, headers, events: ['push'] })
  expect([code, body]).toMatchObject([
    200,
    {
      type: 'push',
      arrived: true,
      status_code: 200,
      error: null,
      response: 'seen',
      response_headers: { 'x-seen': 'yes' },
    },
  ])
  expect(JSON.stringify(body)).not.toContain('acme-secret-value')
  const [got] = received
  expect(got?.headers['x-tenant']).toBe('acme-secret-value')
  expect(await verifyWebhook(got!, { secret: SECRET })).toMatchObject({
    payload: { event: 'push', data: { test: true } },
  })
  expect((await api.get('/endpoints')).body.items).toEqual([])
  expect((await api.get('/deliveries')).body.items).toEqual([])
})

test('what could not be made is not tried', async () => {
  const { status: code, body } = await api.post('/endpoints/test', { url, templates: { push: '{{data | nope}}' } })
  expect([code, body.detail]).toEqual([422, expect.stringMatching(/^templates."push": must use one of the filters/)])
})

test('what does not arrive says why', async () => {
  status = 500
  expect((await api.post('/endpoints/test', { url, test_type: 'job.failed' })).body).toMatchObject({
    type: 'job.failed',
    arrived: false,
    status_code: 500,
  })
  const gone = { url: 'http://127.0.0.1:1/hook' }
  expect((await api.post('/endpoints/test', gone)).body).toMatchObject({ code: 'input_invalid' })
})

test.each([
  [{}, /url/],
  [{ url: 'https://example.com', test_type: 'job.complete' }, /did you mean "job\.completed"/],
  [{ url: 'https://example.com', test_type: 5 }, /test_type/],
  [{ url: 'https://example.com', event: 'push' }, /event/],
  [[], /url/],
])('%j is refused', async (request, sentence) => {
  const { status: code, body } = await api.post('/endpoints/test', request)
  expect([code >= 400 && code < 500, body.detail]).toEqual([true, expect.stringMatching(sentence)])
  expect(received).toEqual([])
})
