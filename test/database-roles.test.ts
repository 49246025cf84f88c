// The roles of docs/security.md: one that migrates, and one with less that runs everything.
import { readFileSync } from 'node:fs'
import { appendFile, chmod, mkdtemp, open, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emit } from '@signalbox/sdk/emit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { chooseAccount } from '../src/db/embedded/account.ts'
import { openBinaries } from '../src/db/embedded/binaries.ts'
import { clusterDir } from '../src/db/embedded/cluster.ts'
import { openEmbedded } from '../src/db/embedded/embedded.ts'
import { runProgram } from '../src/db/embedded/program.ts'
import { migrate } from '../src/db/migrate.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { githubHeaders } from './fixtures/signed.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

const SECURITY = readFileSync(new URL('../docs/security.md', import.meta.url), 'utf8')
const [create = '', grant = ''] = [...SECURITY.matchAll(/^```pgsql\n(.*?)^```/gms)].map(([, block]) => block ?? '')

const OUTBOX = readFileSync(new URL('../docs/outbox.md', import.meta.url), 'utf8')
const [, grantEmit = ''] = /^```pgsql\n(.*?)^```/ms.exec(OUTBOX) ?? []

const closing: (() => Promise<unknown>)[] = []
let admin: Database
let owner: Database
let app: Database

/** A PostgreSQL of its own, whose connection string is that of a superuser. */
async function openServer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-roles-'))
  closing.push(() => rm(folder, { recursive: true }))
  // Run by root, PostgreSQL has another account, which must be able to enter.
  await chmod(folder, 0o755)
  const dataDir = join(folder, 'data')
  const options = { dataDir, spareRoot: join(folder, 'spare'), log: silentLog, settings: { fsync: 'off' } }
  await (await openEmbedded(options)).close()
  const dir = await clusterDir(dataDir)
  const account = chooseAccount()
  const { postgres } = await openBinaries({ account, runtimeDir: join(folder, 'runtime'), log: silentLog })
  const output = await open('/dev/null', 'w')
  const input = 'alter role signalbox superuser;\n'
  const single = runProgram(postgres, ['--single', '-D', dir, 'postgres'], { account, output: output.fd, input })
  expect(await single.exited).toBe(0)
  await output.close()
  await appendFile(join(dir, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n')
  const server = await openEmbedded(options)
  closing.push(server.close)
  return server.url
}

async function openAs(url: string, change: { username?: string; password?: string } = {}): Promise<Database> {
  const there = Object.assign(new URL(url), { pathname: '/signalbox', ...change })
  const database = await openDatabase({ url: there.href, log: silentLog, max: 4 })
  closing.push(() => database.close())
  return database
}

beforeAll(async () => {
  const url = await openServer()
  const server = await openDatabase({ url, log: silentLog, max: 1 })
  await server.query('create database signalbox')
  await server.close()
  admin = await openAs(url)
  await admin.query(create)
  owner = await openAs(url, { username: 'signalbox_owner', password: 'change me' })
  app = await openAs(url, { username: 'signalbox_app', password: 'change me' })
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

test('the role that runs cannot migrate, and the start says what it lacks', async () => {
  await expect(migrate(app, { log: silentLog })).rejects.toMatchObject({
    code: 'config_invalid',
    detail: expect.stringContaining('grant its role CREATE'),
  })
})

test('the role that migrates makes everything, and may grant the other what running needs', async () => {
  expect((await migrate(owner, { log: silentLog })).applied).not.toEqual([])
  await owner.query(grant)
  await owner.query('create table signalbox.later (id bigint generated always as identity, note text)')
  await expect(app.query(`insert into signalbox.later (note) values ('of a later migration')`)).resolves.toBeDefined()
  await expect(app.query('create table signalbox.mine (id int)')).rejects.toThrow(/permission denied/)
  await expect(app.query('drop table signalbox.later')).rejects.toThrow(/must be owner/)
  await expect(app.query('select from webhook_events')).resolves.toBeDefined()
  await expect(app.query(`update agent_jobs set status = 'failed' where status = 'running'`)).resolves.toBeDefined()
})

test('a role that may only emit can read and change nothing', async () => {
  const shop = await openAs(owner.url, { username: 'shop', password: 'change me' })
  await admin.query(`create role shop login password 'change me'`)
  const event = { type: 'order.paid', payload: { total: 12.5 } }
  await expect(emit(shop, event)).rejects.toThrow('permission denied for schema')
  await owner.query('grant usage on schema signalbox to shop')
  await expect(emit(shop, event)).rejects.toThrow('permission denied for function')
  await owner.query(grantEmit)
  await shop.transaction(async (tx) => {
    // A table of the caller's own does not stand in for one of Signalbox's.
    await tx.query('create temporary table outbox (id int)')
    await emit(tx, event)
  })
  for (const table of ['outbox', 'events', 'endpoints', 'deployments', 'event_positions']) {
    await expect(shop.query(`select from signalbox.${table}`)).rejects.toThrow('permission denied for table')
  }
  await expect(shop.query('delete from signalbox.outbox')).rejects.toThrow('permission denied')
  expect((await app.query('select type from signalbox.outbox')).rows).toEqual([{ type: 'order.paid' }])
})

test('with the lesser role webhooks, jobs, deliveries, deployments and the API work', async () => {
  const got: string[] = []
  const receiver = createServer((request, response) => {
    got.push(String(request.headers['x-agenta-event']))
    request.resume().on('end', () => response.writeHead(got.length === 1 ? 410 : 200).end())
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const signalbox = await openTestSignalbox({
    database: app,
    config: {
      rules: [{ name: 'on-push', on: 'push', agent: 'ping', concurrency: { key: '{repository}' } }],
      endpoints: [{ name: 'one', url, secret: SECRET, events: ['push'], environments: null }],
    },
  })
  try {
    const body = Buffer.from(JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'acme/shop' } }))
    const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() })
    expect((await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })).status).toBe(200)
    expect((await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', body })).status).toBe(415)
    expect((await signalbox.api('/webhook/manual', { method: 'POST', body: { job_type: 'ping' } })).status).toBe(200)
    const deployment = { project_id: 'p', app_name: 'a', variant_name: 'v', environment: 'staging', config: {} }
    const deployed = { method: 'POST', body: { ...deployment, deployed_by: 'jane' } }
    expect((await signalbox.api('/api/deployments', deployed)).status).toBe(201)
    const made = { method: 'POST', body: { url: 'https://example.com' } }
    expect((await signalbox.api('/api/endpoints', made)).status).toBe(201)
    await until(
      'both jobs are done',
      async () => (await signalbox.count('signalbox.jobs', "status = 'completed'")) === 2,
    )
    await until(
      'the endpoint is gone',
      async () => (await signalbox.count('signalbox.endpoints', 'gone_at is not null')) === 1,
    )
    for (const noun of ['events', 'jobs', 'deliveries', 'deployments', 'endpoints', 'rules', 'agents', 'sources']) {
      expect([noun, (await signalbox.api(`/api/${noun}`)).status]).toEqual([noun, 200])
    }
    expect((await signalbox.api('/health')).status).toBe(200)
    // Emitted by the role before this one.
    await until('it is recorded', async () => (await signalbox.count('signalbox.events', "type = 'order.paid'")) === 1)
  } finally {
    await signalbox.close()
    receiver.close()
  }
})
