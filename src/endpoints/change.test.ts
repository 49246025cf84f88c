import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { ENCRYPTION_KEY } from '../../test/keys.ts'
import type { Database } from '../db/database.ts'
import { targetReader } from '../deliveries/kinds/kinds.ts'
import { addressGuard } from '../lib/address-guard.ts'
import { newId } from '../lib/id.ts'
import { changeEndpoint, createEndpoint, deleteEndpoint } from './change.ts'
import { syncConfigEndpoints } from './configured.ts'
import { readEndpointConfigs } from './endpoint.ts'
import type { EndpointStore } from './endpoints.ts'
import { getEndpoint, listEndpoints } from './endpoints.ts'
import { answerGone } from './fixtures/gone.ts'
import { rotateSecret } from './rotate.ts'
import { fingerprint, openSeal } from './seal.ts'
import type { SealedColumns } from './secrets.ts'
import { openColumns } from './secrets.ts'

let database: Database
let store: EndpointStore
beforeAll(async () => {
  database = await openTestDatabase()
  store = { database, seal: openSeal([ENCRYPTION_KEY]) }
})
beforeEach(async () => {
  await database.query('delete from signalbox.endpoints')
})
afterAll(() => database.close())

const url = 'https://example.com/hook'
const secret = 'my_webhook_secret_key'

async function create(request: object = {}): Promise<string> {
  return (await createEndpoint(store, { url, secret, ...request })).endpoint.id
}
async function plainOf(id: string) {
  const { rows } = await database.query<SealedColumns>('select * from signalbox.endpoints where id = $1', [id])
  return rows[0] && openColumns(store.seal, id, rows[0])
}
async function addConfigured(): Promise<string> {
  await syncConfigEndpoints(store, [{ name: 'handler', url, secret }])
  return (await listEndpoints(database)).items.find(({ origin }) => origin === 'config')?.id ?? ''
}

describe('an endpoint', () => {
  it('has only messages that can be sent', async () => {
    const checked = { ...store, readTarget: targetReader(addressGuard()) }
    const id = await create()
    for (const text of ['{{data.app_name', '{{data | nope}}', 'x'.repeat(1501)]) {
      const asked = { templates: { push: text } }
      const detail = expect.stringMatching(/^templates."push": must /)
      await expect(createEndpoint(checked, { url, name: newId(), ...asked })).rejects.toMatchObject({ detail })
      await expect(changeEndpoint(checked, id, asked)).rejects.toMatchObject({ detail })
      expect(() => readEndpointConfigs([{ name: 'a', url, secret, ...asked }], checked)).toThrow(
        /templates."push": must /,
      )
    }
  })

  it('of Telegram sends its token to no other server than the one it was given for', async () => {
    const own = { database, seal: store.seal, readTarget: targetReader(addressGuard()) }
    const credential = '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
    const asked = { kind: 'telegram', name: 'chat', settings: { chat_id: 1 }, credential }
    const { endpoint } = await createEndpoint(own, asked)
    const settings = { chat_id: 1, api_url: 'https://bots.example.com' }
    const moved = changeEndpoint(own, endpoint.id, { settings })
    await expect(moved).rejects.toMatchObject({ code: 'input_invalid', detail: expect.stringMatching(/^credential: /) })
    expect((await changeEndpoint(own, endpoint.id, { settings, credential })).endpoint.settings).toEqual(settings)
    const other = { ...settings, chat_id: 2 }
    expect((await changeEndpoint(own, endpoint.id, { settings: other })).endpoint.settings).toEqual(other)
    expect(await plainOf(endpoint.id)).toMatchObject({ credential })
  })

  it('is stored with everything that was asked for, and shown so', async () => {
    const asked = {
      name: 'all',
      events: ['*', '!push'],
      projects: ['p'],
      environments: null,
      apps: ['a', 'b*'],
      conditions: { 'data.revision': { gte: 3 }, ref: ['a', 'b'] },
      format: 'raw',
      signatures: ['ed25519', 'standard'],
      ordering: 'latest-only',
      schedule: [1, 60, 3600],
      rate_per_second: 0.3,
      concurrency: 2,
      templates: { 'job.*': 'It ended: {{event}}' },
      status: 'paused',
    }
    const id = await create({ ...asked, headers: { 'X-B': '1', 'X-A': '2' } })
    expect(await getEndpoint(database, id)).toMatchObject({
      ...asked,
      kind: 'webhook',
      settings: {},
      has_credential: false,
      headers: ['x-a', 'x-b'],
      health: { state: 'closed', failures: 0, last_error: null },
    })
    expect(await plainOf(id)).toEqual({ secrets: [secret], headers: { 'x-b': '1', 'x-a': '2' }, credential: null })
  })

  it('that is not there is not found', async () => {
    for (const id of [newId(), 'x']) {
      await expect(getEndpoint(database, id)).rejects.toMatchObject({ code: 'not_found' })
      await expect(changeEndpoint(store, id, {})).rejects.toMatchObject({ code: 'not_found' })
      await expect(deleteEndpoint(store, id, { force: true })).rejects.toMatchObject({ code: 'not_found' })
      await expect(rotateSecret(store, id, {})).rejects.toMatchObject({ code: 'not_found' })
    }
  })
})

describe('a change', () => {
  it('changes what it names and nothing else', async () => {
    const id = await create({ name: 'a', apps: ['x'], headers: { 'x-a': '1', 'x-b': '2' }, schedule: [5] })
    const before = await getEndpoint(database, id)
    const { endpoint, dropped } = await changeEndpoint(store, id, {
      events: ['*'],
      schedule: null,
      conditions: { ref: 'x' },
      headers: { 'X-A': null, 'X-C': '3' },
    })
    expect(endpoint).toEqual({
      ...before,
      events: ['*'],
      schedule: null,
      conditions: { ref: 'x' },
      headers: ['x-b', 'x-c'],
      updated_at: endpoint.updated_at,
    })
    expect(dropped).toEqual([])
    expect(await plainOf(id)).toEqual({ secrets: [secret], headers: { 'x-b': '2', 'x-c': '3' }, credential: null })
  })

  it('of the URL takes the headers away that are not given again, and says which', async () => {
    const id = await create({ headers: { 'x-a': '1', 'x-b': '2' } })
    expect((await changeEndpoint(store, id, { url })).dropped).toEqual([])
    const moved = await changeEndpoint(store, id, { url: 'https://else.example/', headers: { 'X-B': '3', 'X-C': '4' } })
    expect(moved).toMatchObject({
      dropped: ['x-a'],
      endpoint: { url: 'https://else.example/', headers: ['x-b', 'x-c'] },
    })
    expect(await plainOf(id)).toMatchObject({ secrets: [secret], headers: { 'x-b': '3', 'x-c': '4' } })
  })

  it('of the URL keeps a credential only if it is given again', async () => {
    const readTarget = ({
      url = '',
      settings,
      credential,
    }: {
      url?: string | undefined
      settings: object
      credential: string | null
    }) => ({
      url,
      settings: { ...settings },
      credential,
    })
    const anyTarget = { ...store, readTarget }
    const { endpoint } = await createEndpoint(anyTarget, { url, credential: 'token-1' })
    await changeEndpoint(anyTarget, endpoint.id, { settings: { chat: 1 } })
    expect(await plainOf(endpoint.id)).toMatchObject({ credential: 'token-1' })
    const kept = await changeEndpoint(anyTarget, endpoint.id, { url: `${url}/2`, credential: 'token-2' })
    expect([kept.dropped, await plainOf(endpoint.id)]).toMatchObject([[], { credential: 'token-2' }])
    const moved = await changeEndpoint(anyTarget, endpoint.id, { url: `${url}/3` })
    expect([moved.dropped, await plainOf(endpoint.id)]).toMatchObject([['credential'], { credential: null }])
    expect(moved.endpoint).toMatchObject({ has_credential: false, settings: { chat: 1 } })
  })

  it('of the secret address of a chat makes it active again too, and takes its headers away', async () => {
    const chat = { ...store, readTarget: targetReader(addressGuard([])) }
    const address = 'https://hooks.slack.com/services/T0/B0/'
    const asked = { kind: 'slack', url: `${address}one`, headers: { 'x-a': '1' } }
    const { endpoint } = await createEndpoint(chat, asked)
    expect(endpoint).toMatchObject({ url: 'https://hooks.slack.com/…', has_credential: true })
    await answerGone(database, endpoint.id)
    const moved = await changeEndpoint(chat, endpoint.id, { url: `${address}two` })
    expect(moved).toMatchObject({ dropped: ['x-a'], endpoint: { status: 'active', url: 'https://hooks.slack.com/…' } })
    expect(await plainOf(endpoint.id)).toMatchObject({ headers: {}, credential: `${address}two` })
    const renamed = await changeEndpoint(chat, endpoint.id, { name: 'renamed', settings: {} })
    expect(renamed).toMatchObject({ dropped: [], endpoint: { has_credential: true } })
  })

  it('of the chat or the messages of a bot keeps its token, and of its server does not', async () => {
    const chat = { ...store, readTarget: targetReader(addressGuard([])) }
    const credential = '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
    const asked = { kind: 'telegram', settings: { chat_id: 1 }, credential }
    const { id } = (await createEndpoint(chat, asked)).endpoint
    const moved = await changeEndpoint(chat, id, { settings: { chat_id: 2 } })
    expect(moved).toMatchObject({ dropped: [], endpoint: { url: 'telegram:2' } })
    await changeEndpoint(chat, id, { templates: { push: '{{event}}' } })
    expect(await plainOf(id)).toMatchObject({ credential })
    const elsewhere = { chat_id: 2, api_url: 'https://else.example' }
    await expect(changeEndpoint(chat, id, { settings: elsewhere })).rejects.toMatchObject({
      code: 'input_invalid',
      detail: expect.stringContaining('credential: is required'),
    })
    await changeEndpoint(chat, id, { settings: elsewhere, credential })
    expect(await plainOf(id)).toMatchObject({ credential })
  })

  it('of the messages is refused with what is wrong with them', async () => {
    const chat = { ...store, readTarget: targetReader(addressGuard([])) }
    const { endpoint } = await createEndpoint(chat, { kind: 'email', settings: { to: ['a@example.com'] } })
    const templates = { push: '{{data.payload.after' }
    await expect(changeEndpoint(chat, endpoint.id, { templates })).rejects.toMatchObject({
      detail: 'templates."push": must close every "{{" with "}}" on the same line',
    })
  })

  it('of the status pauses, disables and enables, whatever Signalbox had it for', async () => {
    const id = await create()
    for (const status of ['paused', 'disabled', 'active']) {
      expect((await changeEndpoint(store, id, { status })).endpoint).toMatchObject({ status, status_reason: null })
    }
    await answerGone(database, id)
    expect((await changeEndpoint(store, id, { events: ['*'] })).endpoint).toMatchObject({
      status: 'paused',
      status_reason: 'It answered 410 Gone.',
    })
    expect((await changeEndpoint(store, id, { status: 'active' })).endpoint).toMatchObject({
      status: 'active',
      status_reason: null,
    })
  })

  it('of the URL makes an endpoint active again that Signalbox disabled at the old one', async () => {
    const [gone, stopped] = [await create({ name: 'gone' }), await create({ name: 'stopped', status: 'disabled' })]
    await answerGone(database, gone)
    const statusOf = async (id: string) => (await changeEndpoint(store, id, { url: `${url}/2` })).endpoint.status
    expect([await statusOf(gone), await statusOf(stopped)]).toEqual(['active', 'disabled'])
  })

  it('to active, or of the URL, closes the breaker', async () => {
    const open = `update signalbox.endpoint_health set state = 'open', failures = 9, opens_at = 'infinity'`
    const id = await create()
    for (const change of [{ status: 'active' }, { url: `${url}/2` }]) {
      await database.query(open)
      expect((await changeEndpoint(store, id, { events: ['*'] })).endpoint.health).toMatchObject({ state: 'open' })
      expect((await changeEndpoint(store, id, change)).endpoint.health).toMatchObject({ state: 'closed', failures: 0 })
    }
  })

  it.each([
    ['an unknown field', { evnets: ['push'] }, 'unknown field "evnets"; did you mean "events"?'],
    ['its secret', { secret }, 'secret: is replaced by POST'],
    ['its kind', { kind: 'slack' }, 'kind: cannot be changed'],
    ['an address that is not one', { url: 'http://example.com' }, 'url: must be https:'],
    ['no events', { events: [] }, 'events: must name at least one'],
  ])('of %s is refused, and changes nothing', async (_, change, detail) => {
    const id = await create()
    const before = await getEndpoint(database, id)
    await expect(changeEndpoint(store, id, { apps: ['x'], ...change })).rejects.toMatchObject({
      code: 'input_invalid',
      detail: expect.stringContaining(detail),
    })
    expect(await getEndpoint(database, id)).toEqual(before)
  })

  it('of the name to one that another has is refused, to its own is not', async () => {
    const id = await create({ name: 'a' })
    await create({ name: 'b' })
    await changeEndpoint(store, id, { name: 'a' })
    await expect(changeEndpoint(store, id, { name: 'b' })).rejects.toMatchObject({ code: 'conflict' })
  })

  it('of an endpoint of the configuration can be of its status only', async () => {
    const id = await addConfigured()
    expect((await changeEndpoint(store, id, { status: 'paused' })).endpoint.status).toBe('paused')
    await expect(changeEndpoint(store, id, { status: 'active', apps: null, name: 'x' })).rejects.toMatchObject({
      code: 'conflict',
      detail:
        '"handler" is an endpoint of the configuration, which says its name, apps: change the file. Only its status can be changed here.',
    })
  })
})

describe('a rotated secret', () => {
  it('is one of a webhook; what is not signed has none, not even at first', async () => {
    const mails = { ...store, readTarget: targetReader(addressGuard([])) }
    const made = await createEndpoint(mails, { kind: 'email', settings: { to: ['a@example.com'] } })
    expect(made).toMatchObject({ secret: null, endpoint: { secrets: [] } })
    await expect(rotateSecret(mails, made.endpoint.id, {})).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('is notified by email, which has no secret'),
    })
  })

  const hours = (n: number) => n * 3_600_000
  const untils = async (id: string) =>
    (await getEndpoint(database, id)).secrets.map(({ expires_at: end }) =>
      end === null ? null : Math.round((Date.parse(end) - Date.now()) / hours(1)),
    )

  it('is made and shown once, and signs before those so far, for a day', async () => {
    const id = await create()
    const { endpoint, secret: made } = await rotateSecret(store, id, {})
    expect(made).toMatch(/^whsec_/)
    expect(await plainOf(id)).toMatchObject({ secrets: [made, secret] })
    expect(endpoint.secrets.map((each) => each.fingerprint)).toEqual([fingerprint(made ?? ''), fingerprint(secret)])
    expect(await untils(id)).toEqual([null, 24])
  })

  it('may be brought, and shortens the time of the others but never lengthens it', async () => {
    const id = await create()
    const brought = await rotateSecret(store, id, { secret: 'another_secret_of_mine', overlap_hours: 168 })
    expect(brought.secret).toBeNull()
    await rotateSecret(store, id, { overlap_hours: 2 })
    expect(await untils(id)).toEqual([null, 2, 2])
    await rotateSecret(store, id, { overlap_hours: 100 })
    expect(await untils(id)).toEqual([null, 100, 2, 2])
  })

  it('with no overlap is the only one at once, and what has expired is forgotten', async () => {
    const id = await create()
    const { secret: made } = await rotateSecret(store, id, { overlap_hours: 0 })
    expect(await plainOf(id)).toMatchObject({ secrets: [made] })
    await database.query(
      `update signalbox.endpoints set secrets =
         json_build_array((secrets->0)::jsonb || '{"expires_at":"2020-01-01T00:00:00.000Z"}')`,
    )
    expect((await getEndpoint(database, id)).secrets).toEqual([])
    await rotateSecret(store, id, {})
    expect((await plainOf(id))?.secrets).toHaveLength(1)
  })

  it('is refused when the endpoint has it, when ten sign, and of the configuration', async () => {
    const id = await create()
    const refused = (request: object) => expect(rotateSecret(store, id, request)).rejects
    await refused({ secret }).toMatchObject({ code: 'conflict', detail: expect.stringContaining('has already') })
    await refused({ overlap_hours: 169 }).toMatchObject({ code: 'input_invalid' })
    await refused({ overlap_hour: 1 }).toMatchObject({
      detail: expect.stringContaining('did you mean "overlap_hours"?'),
    })
    for (let n = 0; n < 9; n++) await rotateSecret(store, id, {})
    await refused({}).toMatchObject({ code: 'conflict', detail: expect.stringContaining('10 secrets sign already') })
    await rotateSecret(store, id, { overlap_hours: 0 })
    await expect(rotateSecret(store, await addConfigured(), {})).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('put the new secret into its secrets there'),
    })
  })

  it('of two at the same time is both', async () => {
    const id = await create()
    const made = await Promise.all([rotateSecret(store, id, {}), rotateSecret(store, id, {})])
    expect(new Set((await plainOf(id))?.secrets)).toEqual(new Set([secret, ...made.map((each) => each.secret)]))
  })
})

describe('deleting', () => {
  async function addDelivery(endpointId: string): Promise<void> {
    const eventId = newId()
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 's', $2, 't', 'routed')`,
      [eventId, eventId],
    )
    await database.query(
      'insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts) values ($1, $2, $3, 10)',
      [newId(), eventId, endpointId],
    )
  }

  it('takes an endpoint away with its deliveries; pending ones only if that is forced', async () => {
    const id = await create({ name: 'a' })
    await addDelivery(id)
    await addDelivery(id)
    await expect(deleteEndpoint(store, id, { force: false })).rejects.toMatchObject({
      code: 'conflict',
      detail: '2 deliveries are pending for "a" and would be gone with it.',
    })
    const deleted = { id, name: 'a', deleted: true, pending_deliveries: 2 }
    expect(await deleteEndpoint(store, id, { force: true })).toEqual(deleted)
    expect((await listEndpoints(database)).items).toEqual([])
    expect((await database.query('select from signalbox.deliveries where endpoint_id = $1', [id])).rowCount).toBe(0)
  })

  it('is refused for one that the configuration names, and possible once it does not', async () => {
    const id = await addConfigured()
    await expect(deleteEndpoint(store, id, { force: true })).rejects.toMatchObject({
      code: 'conflict',
      detail: '"handler" is an endpoint of the configuration: take it out of the file, or pause it.',
    })
    await syncConfigEndpoints(store, [])
    expect(await deleteEndpoint(store, id, { force: false })).toMatchObject({ pending_deliveries: 0 })
  })
})
