import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { ENCRYPTION_KEY } from '../../test/keys.ts'
import type { Database } from '../db/database.ts'
import { createEndpoint } from './change.ts'
import { syncConfigEndpoints } from './configured.ts'
import type { EndpointStore } from './endpoints.ts'
import { listEndpoints, loadEndpoints } from './endpoints.ts'
import { answerGone } from './fixtures/gone.ts'
import { fingerprint, openSeal } from './seal.ts'
import type { SealedColumns } from './secrets.ts'
import { openColumns } from './secrets.ts'

let database: Database
let store: EndpointStore
const seal = openSeal([ENCRYPTION_KEY])
beforeAll(async () => {
  database = await openTestDatabase()
  store = { database, seal }
})
beforeEach(async () => {
  await database.query('delete from signalbox.endpoints')
})
afterAll(() => database.close())

const url = 'https://example.com/hook'
const secret = 'my_webhook_secret_key'
async function versionNow() {
  return (await loadEndpoints(database)).version
}
async function storedSecrets() {
  const { rows } = await database.query<SealedColumns & { id: string }>('select * from signalbox.endpoints')
  for (const { secrets } of rows) expect(JSON.stringify(secrets)).not.toContain('secret_')
  return rows.flatMap((row) => openColumns(seal, row.id, row)?.secrets)
}
async function activeNames() {
  const { endpoints } = await loadEndpoints(database)
  return endpoints.flatMap(({ name, status }) => (status === 'active' ? [name] : [])).sort()
}

describe('creating an endpoint', () => {
  it('shows a secret that was made for it once, and never again', async () => {
    const { endpoint, secret: made } = await createEndpoint(store, { url, name: 'a' })
    expect(made).toMatch(/^whsec_/)
    expect(endpoint).toMatchObject({ name: 'a', url, status: 'active', origin: 'api', environments: ['production'] })
    const shown = JSON.stringify([endpoint, await listEndpoints(database), await loadEndpoints(database)])
    expect(shown).not.toContain(made)
    expect(shown).not.toContain('sealed')
    expect(endpoint.secrets).toEqual([
      { fingerprint: fingerprint(made ?? ''), created_at: endpoint.created_at, expires_at: null },
    ])
  })

  it('does not repeat a secret that was given', async () => {
    const created = await createEndpoint(store, { url, secret })
    expect(JSON.stringify(created)).not.toContain(secret)
    expect(created.secret).toBeNull()
    expect(await storedSecrets()).toEqual([secret])
  })

  it('is refused without a key to encrypt its secret with, and stores nothing', async () => {
    const closed = { database, seal: openSeal([]) }
    await expect(createEndpoint(closed, { url })).rejects.toMatchObject({ code: 'encryption_key_missing' })
    await expect(syncConfigEndpoints(closed, [{ name: 'a', url, secret }])).rejects.toMatchObject({
      code: 'encryption_key_missing',
    })
    expect((await listEndpoints(database)).items).toEqual([])
  })

  it('refuses what is not acceptable and stores nothing', async () => {
    await expect(createEndpoint(store, { url: 'http://example.com' })).rejects.toMatchObject({
      code: 'input_invalid',
    })
    expect((await listEndpoints(database)).items).toEqual([])
  })

  it('refuses a name that another has, whoever made that, also of requests at the same time', async () => {
    await syncConfigEndpoints(store, [{ name: 'handler', url, secret }])
    await expect(createEndpoint(store, { url, name: 'handler' })).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringMatching(/^An endpoint is called "handler" already \(\S+, active, of the configuration\): /),
    })
    const same = Array.from({ length: 5 }, () => createEndpoint(store, { url, name: 'twice' }))
    const outcomes = (await Promise.allSettled(same)).map(({ status }) => status)
    expect(outcomes.filter((status) => status === 'fulfilled')).toHaveLength(1)
    expect((await listEndpoints(database)).items.map(({ name }) => name).sort()).toEqual(['handler', 'twice'])
  })
})

describe("a process's copy of the endpoints", () => {
  it('holds each with its status, and a version that grows with every change', async () => {
    const before = await versionNow()
    const { endpoint } = await createEndpoint(store, { url, name: 'a' })
    await createEndpoint(store, { url, name: 'b', status: 'paused' })
    const statuses = async () => (await loadEndpoints(database)).endpoints.map(({ status }) => status)
    expect(await statuses()).toEqual(['active', 'paused'])
    expect(await versionNow()).toBe(before + 2)
    await answerGone(database, endpoint.id)
    expect(await statuses()).toEqual(['paused', 'paused'])
    expect(await versionNow()).toBe(before + 3)
  })

  it('is empty but has a version when there is no endpoint', async () => {
    expect(await loadEndpoints(database)).toEqual({ version: expect.any(Number), endpoints: [] })
  })
})

describe('listing endpoints', () => {
  it('pages through them, newest first', async () => {
    for (const name of ['a', 'b', 'c']) await createEndpoint(store, { url, name })
    const first = await listEndpoints(database, { limit: 2 })
    expect(first.items.map((endpoint) => endpoint.name)).toEqual(['c', 'b'])
    const second = await listEndpoints(database, { limit: 2, cursor: first.next ?? '' })
    expect(second).toMatchObject({ items: [{ name: 'a' }], next: null })
    expect((await listEndpoints(database, { status: 'disabled' })).items).toEqual([])
    await expect(listEndpoints(database, { cursor: 'x' })).rejects.toMatchObject({ code: 'input_invalid' })
  })
})

describe('the endpoints of the configuration', () => {
  const handler = { name: 'handler', url, secret }
  const other = { name: 'other', url, secret, events: ['*'], environments: null }

  it('are made, changed and paused with it, each change once', async () => {
    expect(await syncConfigEndpoints(store, [handler, other])).toBe(2)
    expect(await activeNames()).toEqual(['handler', 'other'])
    expect(await syncConfigEndpoints(store, [{ ...handler, url: 'https://example.com/new' }, other])).toBe(1)
    expect(await syncConfigEndpoints(store, [other])).toBe(1)
    expect(await activeNames()).toEqual(['other'])
    expect(await syncConfigEndpoints(store, [handler, other])).toBe(1)
    expect(await activeNames()).toEqual(['handler', 'other'])
    expect((await listEndpoints(database)).items).toMatchObject(
      Array(2).fill({ status: 'active', status_reason: null }),
    )
  })

  it('write nothing when nothing changed, so that no other process reloads', async () => {
    await syncConfigEndpoints(store, [handler, other])
    const before = await versionNow()
    expect(await syncConfigEndpoints(store, [handler, other])).toBe(0)
    await syncConfigEndpoints(store, [other])
    expect(await syncConfigEndpoints(store, [other])).toBe(0)
    expect(await versionNow()).toBe(before + 1)
  })

  it('stay disabled once they answered 410, until they have another URL', async () => {
    await syncConfigEndpoints(store, [handler])
    const [one] = (await loadEndpoints(database)).endpoints
    await answerGone(database, one?.id ?? '')
    expect(await syncConfigEndpoints(store, [handler])).toBe(0)
    expect(await syncConfigEndpoints(store, [{ ...handler, events: ['*'] }])).toBe(1)
    expect(await activeNames()).toEqual([])
    const moved = { ...handler, url: 'https://example.com/new' }
    expect(await syncConfigEndpoints(store, [moved])).toBe(1)
    expect(await activeNames()).toEqual(['handler'])
    // The address it has now never answered 410.
    expect(await syncConfigEndpoints(store, [{ ...moved, status: 'paused' }])).toBe(1)
    expect(await syncConfigEndpoints(store, [moved])).toBe(1)
    expect(await activeNames()).toEqual(['handler'])
  })

  it('are paused with the reason when no file names them, and a disabled one stays disabled', async () => {
    await syncConfigEndpoints(store, [handler, { ...other, status: 'disabled' }])
    expect(await syncConfigEndpoints(store, [])).toBe(1)
    const { items } = await listEndpoints(database)
    expect(items.map(({ name, status, status_reason }) => [name, status, status_reason]).sort()).toEqual([
      ['handler', 'paused', 'The configuration does not name it.'],
      ['other', 'disabled', null],
    ])
  })

  it('that answered 410 say so', async () => {
    await syncConfigEndpoints(store, [handler])
    await answerGone(database, (await loadEndpoints(database)).endpoints[0]?.id ?? '')
    const gone = { status: 'paused', status_reason: 'It answered 410 Gone.' }
    expect((await listEndpoints(database)).items).toMatchObject([gone])
    await syncConfigEndpoints(store, [{ ...handler, events: ['*'] }])
    expect((await listEndpoints(database)).items).toMatchObject([gone])
    await syncConfigEndpoints(store, [{ ...handler, url: 'https://example.com/new' }])
    expect((await listEndpoints(database)).items).toMatchObject([{ status: 'active', status_reason: null }])
  })

  it('keep the time since which they have their status until that changes', async () => {
    await syncConfigEndpoints(store, [handler])
    const since = async () => (await listEndpoints(database)).items[0]?.status_since ?? ''
    const active = await since()
    await syncConfigEndpoints(store, [{ ...handler, events: ['*'] }])
    expect(await since()).toBe(active)
    await syncConfigEndpoints(store, [])
    expect(Date.parse(await since())).toBeGreaterThan(Date.parse(active))
  })

  it('keep their secrets to themselves but follow a new one', async () => {
    await syncConfigEndpoints(store, [handler])
    expect(await syncConfigEndpoints(store, [{ ...handler, secrets: ['another_secret_of_mine'] }])).toBe(1)
    expect(await storedSecrets()).toEqual([secret, 'another_secret_of_mine'])
  })

  it('are sealed anew when what is stored cannot be opened', async () => {
    await syncConfigEndpoints({ database, seal: openSeal([Buffer.alloc(32).toString('base64')]) }, [handler])
    expect(await syncConfigEndpoints(store, [handler])).toBe(1)
    expect(await storedSecrets()).toEqual([secret])
  })

  it('leave those of the API alone, also one of the same name', async () => {
    await createEndpoint(store, { url, name: 'handler' })
    await syncConfigEndpoints(store, [handler])
    await syncConfigEndpoints(store, [])
    expect((await listEndpoints(database)).items).toMatchObject([
      { name: 'handler', origin: 'config', status: 'paused' },
      { name: 'handler', origin: 'api', status: 'active' },
    ])
  })

  it('are made once when several processes start together', async () => {
    const changed = await Promise.all(Array.from({ length: 8 }, () => syncConfigEndpoints(store, [handler, other])))
    expect(changed.reduce((sum, one) => sum + one)).toBe(2)
  })
})
