// Each use of the database has connections of its own: a slow one keeps no other waiting.
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { openPools } from '../src/db/pools.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { openTestDatabase } from './database.ts'
import { githubHeaders } from './fixtures/signed.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

const READERS = 60
const WEBHOOKS = 50

let database: Database
let signalbox: TestSignalbox
beforeEach(async () => {
  database = await openTestDatabase()
  signalbox = await openTestSignalbox({ database })
})
afterEach(async () => {
  await signalbox.close()
  await database.close()
})

async function push(): Promise<number> {
  const push = { ref: 'refs/heads/main', after: randomUUID(), repository: { full_name: 'acme/shop' } }
  const body = Buffer.from(JSON.stringify(push))
  const keys = { secret: SECRET, token: TOKEN, now: new Date() }
  const headers = githubHeaders(body, keys, { 'x-github-delivery': randomUUID() })
  return (await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })).status
}

test(`while ${READERS} people wait for slow lists, webhooks are recorded, jobs run, and the server is healthy`, async () => {
  const reading: Promise<void>[] = []
  let isDone = false
  const readOn = async () => {
    while (!isDone) await (await signalbox.api('/api/deployments')).text()
  }
  await database.transaction(async (tx) => {
    await tx.query('lock table signalbox.deployments')
    for (let n = 0; n < READERS; n++) reading.push(readOn())
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    await until('lists wait', async () => (await database.query(waiting)).rowCount === 2)
    const statuses = await Promise.all(Array.from({ length: WEBHOOKS }, push))
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    expect((await fetch(`${signalbox.url}/health`)).status).toBe(200)
    const trigger = { method: 'POST', body: { job_type: 'ping' } }
    expect((await signalbox.api('/webhook/manual', trigger)).status).toBe(200)
    await until(
      'the job is completed',
      async () => (await signalbox.count('signalbox.jobs', `status = 'completed'`)) > 0,
    )
    isDone = true
  })
  await Promise.all(reading)
})

test('a service opens no more connections than its documentation says', async () => {
  await Promise.all([
    ...Array.from({ length: WEBHOOKS }, push),
    ...Array.from({ length: READERS }, () => signalbox.api('/api/events')),
  ])
  const { rows } = await database.query<{ name: string; n: number }>(
    `select application_name as name, count(*)::int as n from pg_stat_activity
     where application_name like 'signalbox %' and datname = current_database() group by 1 order by 1`,
  )
  const most: Record<string, number> = {
    'signalbox leases': 2,
    'signalbox listener': 1,
    'signalbox looking': 2,
    'signalbox receiving': 3,
    'signalbox working': 4,
  }
  for (const { name, n } of rows) expect([name, n <= (most[name] ?? 0)]).toEqual([name, true])
  expect(rows.map(({ name }) => name)).toContain('signalbox receiving')
})

test('nothing is compiled by the server, which takes longer than it runs, and no shared session keeps that', async () => {
  // Servers of their own compile by default; the embedded one does not.
  await database.query(`do $$ begin execute format('alter database %I set jit = on', current_database()); end $$`)
  const text = `select current_setting('jit') as jit`
  const jit = async (pool: Database) => (await pool.query<{ jit: string }>(text)).rows[0]?.jit
  const shared = await openDatabase({ url: database.url, log: silentLog, max: 1 })
  expect(await shared.transaction((tx) => tx.query(text))).toMatchObject({ rows: [{ jit: 'off' }] })
  expect(await jit(shared)).toBe('on')
  await shared.close()
  const pools = await openPools({ url: database.url, log: silentLog, slots: 3, renewalMs: 5000 })
  const { ownSessions, close, ...each } = pools
  for (const areOwn of [false, true]) {
    ownSessions(areOwn)
    for (const [name, pool] of Object.entries(each)) expect([name, await jit(pool)]).toEqual([name, 'off'])
  }
  await close()
})

test('no session keeps a plan that reads whole tables, nor one of the queue that joins by them', async () => {
  const pools = await openPools({ url: database.url, log: silentLog, slots: 3, renewalMs: 5000 })
  pools.ownSessions(true)
  const settings = async (pool: Database) =>
    (
      await pool.query<{ seqscan: string; hashjoin: string }>(
        `select current_setting('enable_seqscan') as seqscan, current_setting('enable_hashjoin') as hashjoin`,
      )
    ).rows[0]
  expect(await settings(pools.working)).toEqual({ seqscan: 'off', hashjoin: 'off' })
  expect(await settings(pools.leases)).toEqual({ seqscan: 'off', hashjoin: 'off' })
  expect(await settings(pools.receiving)).toEqual({ seqscan: 'off', hashjoin: 'on' })
  await pools.close()
})
