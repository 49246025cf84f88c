import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import { PUSH } from '../../../test/fixtures/payloads.ts'
import { githubHeaders } from '../../../test/fixtures/signed.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN } from '../../../test/signalbox.ts'
import type { EventDetail, EventSummary } from '../../events/wire.ts'

let signalbox: TestSignalbox
let api: DescribedApi
const ids: Record<string, string> = {}

const config = { rules: [{ name: 'main', on: 'push', when: { branch: 'main' }, agent: 'ping' }] }

async function receive(event: string, payload: object): Promise<string> {
  const body = Buffer.from(JSON.stringify(payload))
  const changes = { 'x-github-event': event, 'x-github-delivery': `${event}-${Object.keys(ids).length}` }
  const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, changes)
  const response = await fetch(`${signalbox.url}/webhook/github`, {
    method: 'POST',
    headers,
    body: new Uint8Array(body),
  })
  return ((await response.json()) as { event_id: string }).event_id
}

beforeAll(async () => {
  signalbox = await openTestSignalbox({ config, roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
  ids.main = await receive('push', { ...PUSH, ref: 'refs/heads/main' })
  ids.topic = await receive('push', { ...PUSH, ref: 'refs/heads/topic' })
  ids.labelled = await receive('issues', {
    action: 'labeled',
    label: { name: '好 🚀' },
    issue: { number: 7, labels: [] },
  })
  const forged = githubHeaders(Buffer.from('x'), { secret: SECRET, token: TOKEN, now: new Date() })
  await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers: forged, body: '{}' })
})
afterAll(() => signalbox.close())

async function list(query = ''): Promise<EventSummary[]> {
  return (await api.get(`/events${query}`)).body.items as EventSummary[]
}

describe('the list of events', () => {
  test('is newest first, bodies by their size only', async () => {
    const events = await list()
    expect(events.map(({ type }) => type)).toEqual(['rejected.signature_invalid', 'issues.labeled', 'push', 'push'])
    expect(events.map(({ body_bytes: bytes }) => bytes === null)).toEqual([true, false, false, false])
    expect(JSON.stringify(events)).not.toContain('pusher')
  })

  test.each([
    ['?status=ignored', ['issues.labeled', 'push']],
    ['?status=rejected', ['rejected.signature_invalid']],
    ['?type=push', ['push', 'push']],
    ['?type=issues.*', ['issues.labeled']],
    ['?type=pu_h', []],
    ['?type=%25', []],
    ['?type=*', ['rejected.signature_invalid', 'issues.labeled', 'push', 'push']],
    ['?source=agenta', []],
    ['?type=push&status=routed', ['push']],
  ])('%s shows %j', async (query, types) => {
    expect((await list(query)).map(({ type }) => type)).toEqual(types)
  })

  test('is cut into pages that neither skip nor repeat', async () => {
    const seen: string[] = []
    let cursor = ''
    for (let pages = 0; pages < 10; pages++) {
      const { items, next } = (await api.get(`/events?limit=1${cursor}`)).body as {
        items: EventSummary[]
        next: string | null
      }
      seen.push(...items.map(({ id }) => id))
      if (next === null) break
      cursor = `&cursor=${next}`
    }
    expect(seen).toEqual((await list()).map(({ id }) => id))
  })
})

describe('one event', () => {
  test('is shown with what it says, who did it and when', async () => {
    const event = (await api.get(`/events/${ids.main}`)).body as EventDetail
    expect(event).toMatchObject({
      source: 'github',
      type: 'push',
      status: 'routed',
      reason: null,
      facts: { branch: 'main' },
      content_type: 'application/json',
      payload: { ref: 'refs/heads/main' },
      depth: 0,
    })
    expect(Date.now() - Date.parse(event.received_at)).toBeLessThan(60_000)
    expect(event.headers).toHaveProperty('x-github-event', 'push')
    expect(event.headers).not.toHaveProperty('authorization')
  })

  test('of any characters comes as it was', async () => {
    const event = (await api.get(`/events/${ids.labelled}`)).body as EventDetail
    expect(event.facts.label).toBe('好 🚀')
  })

  test('that was rejected says nothing, and why it was', async () => {
    const [rejected] = await list('?status=rejected')
    expect((await api.get(`/events/${rejected?.id}`)).body).toMatchObject({
      payload: null,
      reason: expect.stringContaining('signature_invalid'),
    })
  })

  test('is explained by every rule', async () => {
    expect((await api.get(`/events/${ids.main}/explain`)).body).toMatchObject({
      event: { id: ids.main, type: 'push', status: 'routed', reason: null },
      rules: [
        { rule: 'main', matched: true, checks: [{ part: 'on', wanted: 'push', actual: 'push', holds: true }, {}] },
      ],
      endpoints: [],
    })
    expect((await api.get(`/events/${ids.topic}/explain`)).body.rules).toMatchObject([
      { matched: false, sentence: expect.stringContaining('topic') },
    ])
    expect((await api.get('/events/none/explain')).status).toBe(404)
  })
})

describe('the body of an event', () => {
  test('that was rejected is not kept, and that is said', async () => {
    const rejected = (await list('?status=rejected'))[0]
    expect(await api.get(`/events/${rejected?.id}/body`)).toMatchObject({
      status: 404,
      body: { code: 'not_found', detail: 'The body of a rejected event is not kept.' },
    })
  })

  const raw = (id: string | undefined) => signalbox.api(`/api/events/${id}/body`)

  test('is the bytes that came, never as a type that a browser would show', async () => {
    const response = await raw(ids.topic)
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(response.headers.get('x-original-content-type')).toBe('application/json')
    expect(await response.text()).toBe(JSON.stringify({ ...PUSH, ref: 'refs/heads/topic' }))
  })

  test('is not found for no event', async () => {
    expect((await raw('none')).status).toBe(404)
  })
})
