// Endpoints and their deliveries, as the API creates and shows them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox } from '../../../test/signalbox.ts'
import type { Delivery } from '../../deliveries/wire.ts'
import type { Endpoint } from '../../endpoints/endpoint.ts'

let signalbox: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
})
afterAll(() => signalbox.close())

const url = 'https://example.com/hook'
const SECRET = 'a-secret-of-more-than-20-characters'

async function create(request: object) {
  const { status, body } = await api.post('/endpoints', request)
  return { status, body: body as Endpoint & { secret?: string; detail?: string } }
}
async function deploy(app_name: string, environment = 'production'): Promise<string> {
  const config = {}
  const request = { project_id: 'p', app_name, variant_name: 'v', environment, config, deployed_by: 'jane' }
  return (await api.post('/deployments', request)).body.event_id as string
}
async function deliveries(query: string): Promise<Delivery[]> {
  return (await api.get(`/deliveries?${query}`)).body.items as Delivery[]
}

test('an endpoint is created with its defaults, and a secret that is shown once', async () => {
  const { status, body } = await create({ url: 'https://EXAMPLE.com' })
  expect(status).toBe(201)
  const { secret, ...endpoint } = body
  expect(secret).toMatch(/^whsec_/)
  expect(endpoint).toMatchObject({
    name: 'example.com',
    url: 'https://example.com/',
    events: ['environment.deployed'],
    environments: ['production'],
    apps: null,
    status: 'active',
    origin: 'api',
  })
  expect((await api.get('/endpoints?limit=1')).body.items).toEqual([endpoint])
  expect(JSON.stringify((await api.get('/endpoints')).body)).not.toContain(secret)
})

test('a second endpoint of a name is refused with what has it', async () => {
  const first = await create({ url, name: 'only once' })
  const { status, body } = await create({ url: 'https://example.com/other', name: 'only once' })
  expect({ status, body }).toEqual({
    status: 409,
    body: {
      code: 'conflict',
      detail: `An endpoint is called "only once" already (${first.body.id}, active): set another name.`,
    },
  })
})

test('a secret that was brought is not repeated', async () => {
  const { status, body } = await create({ url, name: 'brought', secret: SECRET, status: 'paused' })
  expect([status, body.status]).toEqual([201, 'paused'])
  expect(JSON.stringify(body)).not.toContain(SECRET)
  expect(body).not.toHaveProperty('secret')
})

test('endpoints are listed by status', async () => {
  await create({ url, name: 'off', status: 'disabled' })
  const named = async (query: string) =>
    ((await api.get(`/endpoints?${query}`)).body.items as Endpoint[]).map(({ name }) => name)
  expect(await named('status=disabled')).toEqual(['off'])
  expect(await named('status=active')).not.toContain('off')
})

test('every wrong field is named, a secret never repeated, and nothing is created', async () => {
  const before = await signalbox.count('signalbox.endpoints')
  const { status, body } = await create({ url: 7, events: [], secret: 'hunter2', evnets: ['x'] })
  expect(status).toBe(422)
  for (const field of ['url: ', 'events: ', 'secret: ', '"evnets"']) expect(body.detail).toContain(field)
  expect(body.detail).not.toContain('hunter2')
  expect(await create({ url: 'http://example.com' })).toMatchObject({
    status: 422,
    body: { detail: expect.stringContaining('https:') },
  })
  expect(await signalbox.count('signalbox.endpoints')).toBe(before)
})

test('a message that cannot be sent is refused', async () => {
  const { status, body } = await create({ url, name: 'unclosed', templates: { push: '{{data.actor' } })
  expect(status).toBe(422)
  expect(body.detail).toBe('templates."push": must close every "{{" with "}}" on the same line')
})

test('an event is delivered to every endpoint that wants it, and to no other', async () => {
  const wanted = await create({ url, name: '受信者 📮', apps: ['match*'] })
  await create({ url, name: 'other app', apps: ['else'] })
  await create({ url, name: 'other event', apps: null, events: ['job.*'] })
  const event = await deploy('matched')
  const rows = (await deliveries(`event_id=${event}`)).filter((row) => row.endpoint_id === wanted.body.id)
  expect(rows).toMatchObject([
    {
      event_id: event,
      event_type: 'environment.deployed',
      endpoint_name: '受信者 📮',
      status: 'pending',
      attempt: 0,
      failures: 0,
      max_attempts: 10,
      error: null,
      finished_at: null,
    },
  ])
  expect(Date.parse(rows[0]?.next_attempt_at ?? '')).toBeLessThanOrEqual(Date.now())
  expect((await deliveries(`event_id=${event}`)).map((row) => row.endpoint_name)).not.toContain('other app')
  expect((await api.get(`/deliveries/${rows[0]?.id}`)).body).toMatchObject({ ...rows[0], attempts: [] })
  expect((await api.get(`/events/${event}/explain`)).body.endpoints).toEqual(
    expect.arrayContaining([
      { endpoint: '受信者 📮', matched: true, sentence: expect.any(String) },
      { endpoint: 'other app', matched: false, sentence: expect.stringContaining('else') },
    ]),
  )
})

test('deliveries are listed by endpoint and status, in pages', async () => {
  const { body: endpoint } = await create({ url, name: 'paged', apps: ['paged'] })
  for (let n = 0; n < 3; n++) await deploy('paged')
  const query = `endpoint_id=${endpoint.id}`
  const all = await deliveries(query)
  expect(all).toHaveLength(3)
  expect(await deliveries(`${query}&status=failed`)).toEqual([])
  const { items, next } = (await api.get(`/deliveries?${query}&limit=2`)).body as { items: Delivery[]; next: string }
  expect([...items, ...(await deliveries(`${query}&cursor=${next}`))]).toEqual(all)
})

test('an endpoint is shown, changed, rotated and deleted, by part of its id too', async () => {
  const { body: made } = await create({ url, name: 'changing', headers: { 'x-key': 'hunter2-hunter2' } })
  const path = `/endpoints/${made.id.slice(-8)}`
  const { secret: _, ...shown } = made
  expect((await api.get(path)).body).toEqual(shown)
  const changed = await api.patch(path, { status: 'paused', url: 'https://else.example', headers: { 'x-a': '1' } })
  expect(changed.body).toMatchObject({ status: 'paused', headers: ['x-a'], dropped: ['x-key'] })
  const rotated = await api.post(`${path}/rotate`, { overlap_hours: 1, secret: SECRET })
  expect(rotated.body.secrets).toHaveLength(2)
  expect(JSON.stringify([changed, rotated])).not.toMatch(/hunter2|a-secret-of/)
  expect((await api.post(`${path}/rotate`)).body.secret).toMatch(/^whsec_/)
  expect((await api.delete(path)).body).toEqual({ id: made.id, name: 'changing', deleted: true, pending_deliveries: 0 })
  expect((await api.get(path)).status).toBe(404)
})

test('an endpoint with pending deliveries is deleted only by force, and the server says how many there are', async () => {
  const { body: made } = await create({ url, name: 'deleted', apps: ['deleted'] })
  await deploy('deleted')
  expect(await api.delete(`/endpoints/${made.id}`)).toMatchObject({
    status: 409,
    body: { code: 'conflict', detail: '1 delivery is pending for "deleted" and would be gone with it.' },
  })
  expect((await api.delete(`/endpoints/${made.id}?force=yes`)).status).toBe(422)
  expect((await api.delete(`/endpoints/${made.id}?force=true`)).body).toMatchObject({ pending_deliveries: 1 })
})

test('a type that nobody is known to send is refused with the nearest, unless it is forced', async () => {
  const events = ['enviroment.deployed', 'job.*']
  const refused = await create({ url, name: 'misspelt', events })
  expect([refused.status, refused.body.detail]).toEqual([
    422,
    'events: no known event is called "enviroment.deployed"; did you mean "environment.deployed"? Set "force": true (--force) to ask for it all the same.',
  ])
  const forced = await create({ url, name: 'misspelt', events, force: true })
  expect([forced.status, forced.body.events]).toEqual([201, events])
  expect((await api.patch(`/endpoints/${forced.body.id}`, { events: ['pshu'] })).status).toBe(422)
  expect((await api.patch(`/endpoints/${forced.body.id}`, { events: ['pshu'], force: true })).status).toBe(200)
  expect((await create({ url, name: 'own', events: ['github.custom', 'endpoint.*', 'agenta.x'] })).status).toBe(201)
})

test('an event is delivered to an endpoint only if what it says meets the conditions, and the explanation says why not', async () => {
  const wants = (gte: number) => ({ apps: ['conditional'], conditions: { 'data.sequence': { gte } } })
  await create({ url, name: 'from the first', ...wants(1) })
  await create({ url, name: 'from the second', ...wants(2) })
  const event = await deploy('conditional')
  expect((await deliveries(`event_id=${event}`)).map((row) => row.endpoint_name)).toEqual(
    expect.arrayContaining(['from the first']),
  )
  const { endpoints } = (await api.get(`/events/${event}/explain`)).body as { endpoints: { endpoint: string }[] }
  expect(endpoints.filter(({ endpoint }) => endpoint.startsWith('from the'))).toEqual([
    { endpoint: 'from the first', matched: true, sentence: expect.any(String) },
    {
      endpoint: 'from the second',
      matched: false,
      sentence: 'Not notified: it wants data.sequence >= 2, and this is 1.',
    },
  ])
})
