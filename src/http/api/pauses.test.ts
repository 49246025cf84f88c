// `/api/pauses`, on a service with workers: what it records while something is paused.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox, until } from '../../../test/signalbox.ts'
import type { JobDetail } from '../../jobs/wire.ts'
import type { Paused } from '../../pauses/wire.ts'

const REASON = 'the forge is being moved'

let one: TestSignalbox
let other: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  one = await openTestSignalbox()
  other = await openTestSignalbox({ database: one.database, roles: { receiver: true, orchestrator: false } })
  api = await describedApi(one)
})
afterAll(async () => {
  await other?.close()
  await one?.close()
})
beforeEach(async () => {
  for (const { kind, name, id } of await pauses()) await resume(kind, id ?? name)
})

async function pauses(): Promise<Paused[]> {
  return (await api.get('/pauses')).body.items as Paused[]
}
function pause(body: object, via = one) {
  return via.api('/api/pauses', { method: 'POST', body })
}
async function resume(kind: string, name: string | null = null) {
  const query = new URLSearchParams({ kind, ...(name !== null && { name }) })
  const response = await one.api(`/api/pauses?${query}`, { method: 'DELETE' })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
async function trigger(via: TestSignalbox): Promise<string> {
  const response = await via.api('/webhook/manual', { method: 'POST' })
  return ((await response.json()) as { jobs: [string] }).jobs[0]
}
async function job(id: string): Promise<JobDetail> {
  return (await api.get(`/jobs/${id}`)).body as unknown as JobDetail
}
function completed(id: string) {
  return until(`${id} is done`, async () => (await job(id)).status === 'completed')
}

describe.each([
  { kind: 'everything', name: null, says: `Everything is paused: ${REASON}` },
  { kind: 'source', name: 'manual', says: `The source "manual" is paused: ${REASON}` },
])('while $kind is paused', ({ kind, name, says }) => {
  const named = { kind, ...(name !== null && { name }) }

  test('what any node is sent is recorded with its job, which begins when it is resumed', async () => {
    // Both have decided events without the pause before.
    await Promise.all([trigger(one), trigger(other)].map(async (id) => completed(await id)))
    expect((await pause({ ...named, reason: REASON, by: 'ada' })).status).toBe(200)
    const ids = [await trigger(one), await trigger(other), await trigger(other)]
    await one.database.query(`select pg_notify('signalbox', '')`)
    for (const id of ids) expect(await job(id)).toMatchObject({ status: 'pending', attempt: 0, waits_for: says })
    expect(await pauses()).toMatchObject([{ kind, name, reason: REASON, paused_by: 'ada', effect: 'held' }])
    expect((await resume(kind, name)).body).toMatchObject({ resumed: true, still_paused: [] })
    await Promise.all(ids.map(completed))
    const past = (await api.get('/pauses?since=2000-01-01T00:00:00Z')).body.items as Paused[]
    const over = past.filter((each) => each.kind === kind && each.paused_by === 'ada' && each.until !== null)
    expect(over).toMatchObject([{ name, reason: REASON }])
    const [last = ''] = ids
    const { event_id: event } = (await api.get(`/jobs/${last}`)).body
    const { items } = (await api.get(`/why?about=${event}`)).body as { items: { sentences: string[] }[] }
    const what = name === null ? kind : `the ${kind} "${name}"`
    const { since, until: end } = over[0] as Paused
    expect(items[0]?.sentences).toContain(`It was held while ${what} was paused, from ${since} to ${end}: ${REASON}.`)
  })

  test('its deliveries are made, and say why they are not sent', async () => {
    const made = await one.api('/api/endpoints', {
      method: 'POST',
      body: { name: `of ${kind}`, url: 'http://127.0.0.1:8099/', events: ['*'], environments: null },
    })
    const { id: endpoint } = (await made.json()) as { id: string }
    await pause({ ...(kind === 'everything' ? named : { kind, name: 'test' }), reason: REASON })
    const tested = await one.api(`/api/endpoints/${endpoint}/test`, { method: 'POST', body: {} })
    const { id } = (await tested.json()) as { id: string }
    const shown = (await api.get(`/deliveries/${id}`)).body
    expect(shown).toMatchObject({ status: 'pending', attempt: 0, next_attempt_at: null })
    expect(shown.error).toBe(says.replace('manual', 'test'))
    await one.api(`/api/endpoints/${endpoint}?force=true`, { method: 'DELETE' })
  })
})

test('a paused source is shown with the sources', async () => {
  await pause({ kind: 'source', name: 'github', reason: REASON })
  const { items } = (await api.get('/sources')).body as { items: { name: string; paused: unknown }[] }
  expect(items.map(({ name, paused }) => [name, paused])).toEqual([
    ['github', { since: expect.any(String), reason: REASON }],
    ['agenta', null],
  ])
})

test('a rule and an endpoint are paused by the same words, and listed with what that means', async () => {
  const endpoint = await one.api('/api/endpoints', {
    method: 'POST',
    body: { name: 'mine', url: 'http://127.0.0.1:8099/', events: ['*'] },
  })
  const { id } = (await endpoint.json()) as { id: string }
  const { items: rules } = (await api.get('/rules')).body as { items: { name: string }[] }
  const rule = rules[0]?.name ?? ''
  expect((await pause({ kind: 'rule', name: rule, reason: REASON })).status).toBe(200)
  expect((await pause({ kind: 'endpoint', name: id.slice(0, 13), reason: REASON })).status).toBe(200)
  expect(await pauses()).toMatchObject([
    { kind: 'rule', name: rule, id: null, reason: REASON, effect: 'not made' },
    { kind: 'endpoint', name: 'mine', id, reason: REASON, effect: 'held' },
  ])
  expect((await api.get(`/endpoints/${id}`)).body).toMatchObject({ status: 'paused', status_reason: REASON })
  expect((await resume('rule', rule)).body).toMatchObject({ resumed: true })
  expect((await resume('endpoint', id)).body).toMatchObject({ resumed: true, name: 'mine' })
  expect((await api.get(`/endpoints/${id}`)).body).toMatchObject({ status: 'active', status_reason: null })
  expect((await resume('endpoint', id)).body).toMatchObject({ resumed: false })
})

test.each([
  [{ kind: 'source', name: 'githab' }, 404, 'There is no source "githab"; did you mean "github"?'],
  [{ kind: 'rule', name: 'nothing-like-it' }, 404, 'There is no rule "nothing-like-it".'],
  [{ kind: 'source' }, 422, 'name: name the source'],
  [{ kind: 'everything', name: 'x' }, 422, 'name: leave it away with "everything"'],
])('%j is refused, naming what is wrong', async (body, status, detail) => {
  const response = await pause(body)
  expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([status, detail])
})
