// Processes whose configurations differ, as in every release: none undoes what another one knows.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Config } from '../src/config/config-file.ts'
import type { Database } from '../src/db/database.ts'
import { silentLog } from '../src/lib/log.ts'
import { openTestDatabase } from './database.ts'
import { githubHeaders } from './fixtures/signed.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

const receiver = { receiver: true, orchestrator: false }
const orchestrator = { receiver: false, orchestrator: true }

let database: Database
let got: string[]
let config: Config
let closing: (() => unknown)[]
beforeEach(async () => {
  database = await openTestDatabase()
  got = []
  closing = []
  const server = createServer((request, response) => {
    got.push(String(request.headers['webhook-id']))
    request.resume().on('end', () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  config = { endpoints: [{ name: 'chat', url, secret: SECRET, events: ['push'], environments: null }] }
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
  await database.close()
})

async function open(options: Parameters<typeof openTestSignalbox>[0]): Promise<TestSignalbox> {
  const signalbox = await openTestSignalbox({ ...options, database })
  closing.push(signalbox.close)
  return signalbox
}
async function push({ url }: TestSignalbox): Promise<void> {
  const push = { ref: 'refs/heads/main', after: randomUUID(), repository: { full_name: 'acme/shop' } }
  const body = Buffer.from(JSON.stringify(push))
  const keys = { secret: SECRET, token: TOKEN, now: new Date() }
  const headers = githubHeaders(body, keys, { 'x-github-delivery': randomUUID() })
  expect((await fetch(`${url}/webhook/github`, { method: 'POST', headers, body })).status).toBe(200)
}
async function endpoints(): Promise<unknown[]> {
  return (await database.query('select name, status, status_reason from signalbox.endpoints order by name')).rows
}
const active = { name: 'chat', status: 'active', status_reason: null }
const paused = { name: 'chat', status: 'paused', status_reason: 'The configuration does not name it.' }

test('a process that only orchestrates, or has no configuration file, leaves the endpoints alone', async () => {
  await open({ config, roles: receiver })
  expect(await endpoints()).toEqual([active])
  await open({ config: {}, roles: orchestrator })
  await open({ config: {}, roles: orchestrator, configPath: '/etc/signalbox/signalbox.config.ts' })
  await open({ config: {}, roles: receiver })
  expect(await endpoints()).toEqual([active])
})

test('an endpoint that a file no longer names is paused, keeps its deliveries, and gets them once a file names it', async () => {
  const release = await open({ config, roles: receiver })
  await push(release)
  await open({ config: {}, roles: receiver, configPath: '/etc/signalbox/signalbox.config.ts' })
  expect(await endpoints()).toEqual([paused])
  await push(release)
  await push(release)
  await open({ config: {}, roles: orchestrator })
  const { rows } = await database.query(`select status, attempt from signalbox.deliveries`)
  expect(rows).toEqual(Array(3).fill({ status: 'pending', attempt: 0 }))
  expect(got).toEqual([])
  // The process that sends is notified by the one that made the endpoint active.
  await open({ config, roles: receiver })
  expect(await endpoints()).toEqual([active])
  const sent = `select from signalbox.deliveries where status = 'succeeded' and attempt = 1`
  await until('all three are delivered', async () => (await database.query(sent)).rowCount === 3)
  expect(new Set(got).size).toBe(3)
})

test('a start says which events of the rules and endpoints no source sends', async () => {
  const warnings: unknown[] = []
  const log = { ...silentLog, warn: (said: unknown) => warnings.push(said) }
  const [chat] = config.endpoints ?? []
  const endpoints = chat ? [{ ...chat, events: ['job.faild'] }] : []
  await open({
    config: { rules: [{ name: 'a', on: ['pshu', 'push'], agent: 'ping' }], endpoints },
    roles: receiver,
    log,
  })
  expect(warnings).toEqual([
    'rules[0] "a": on: no known event is called "pshu"; did you mean "push"?',
    'endpoints[0] "chat": events: no known event is called "job.faild"; did you mean "job.failed"?',
  ])
})

test('without an encryption key nothing starts that has an endpoint, and the API makes none', async () => {
  const env = { SIGNALBOX_ENCRYPTION_KEY: '' }
  const missing = { code: 'encryption_key_missing', hint: expect.stringContaining('openssl rand -base64 32') }
  await expect(open({ config, roles: receiver, env })).rejects.toMatchObject(missing)
  const empty = await open({ config: {}, env })
  const refused = await empty.api('/api/endpoints', { method: 'POST', body: { url: 'https://example.com' } })
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'encryption_key_missing' }])
  await open({ config, roles: receiver })
  await expect(open({ config: {}, roles: orchestrator, env })).rejects.toMatchObject(missing)
})
