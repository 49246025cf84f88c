import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { drainOlder } from './drain.ts'
import { getNode, listNodes } from './query.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs, signalbox.nodes cascade')
})

type Added = { status?: string; silentS?: number; upS?: number; version?: string; config?: string }

async function add({ status = 'idle', silentS = 1, upS = 60, version = '1.0.0', config = 'c' }: Added = {}) {
  const id = newId()
  await database.query(
    `insert into signalbox.nodes (id, host, pid, roles, status, version, schema_version, config_sha256, started_at, heartbeat_at)
     values ($1, 'here', 1, '{receiver,orchestrator}', $2, $3, '0001-init.sql', $4, now() - $5 * interval '1 s', now() - $6 * interval '1 s')`,
    [id, status, version, config, upS, silentS],
  )
  return id
}

async function runningJob(owner: string): Promise<string> {
  const id = newId()
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, owner, attempt,
       attempt_started_at, available_at)
     values ($1, 'a-rule', 't', 'a', '{}', 5, 5, 900000, 'running', $2, 3, now(), now() + interval '20 s')`,
    [id, owner],
  )
  return id
}

it('lists the nodes that have not stopped, newest first, and calls those dead whose heartbeat is older than their lease', async () => {
  const dead = await add({ status: 'running', silentS: 31 })
  const stopped = await add({ status: 'stopped', silentS: 3600 })
  const alive = await add({ silentS: 29 })
  const { items, next } = await listNodes(database)
  expect(items.map(({ id, status }) => ({ id, status }))).toEqual([
    { id: alive, status: 'idle' },
    { id: dead, status: 'dead' },
  ])
  expect(next).toBeNull()
  const all = await listNodes(database, { all: true, limit: 2 })
  expect(all.items.map(({ id }) => id)).toEqual([alive, stopped])
  expect((await listNodes(database, { all: true, cursor: all.next ?? '' })).items.map(({ id }) => id)).toEqual([dead])
})

it('shows what a dead node still holds, since when and until when', async () => {
  const dead = await add({ silentS: 31 })
  const job = await runningJob(dead)
  await runningJob(await add())
  expect((await listNodes(database)).items.map(({ status, jobs }) => [status, jobs])).toEqual([
    ['idle', 1],
    ['dead', 1],
  ])
  expect(await getNode(database, dead)).toMatchObject({
    status: 'dead',
    lease_ms: 30_000,
    work: [
      { kind: 'job', id: job, name: 'a-rule', attempt: 3, since: expect.any(String), lease_until: expect.any(String) },
    ],
  })
  await expect(getNode(database, newId())).rejects.toMatchObject({ code: 'not_found' })
})

it('says what live nodes differ in, and counts neither those that are dead nor those that drain', async () => {
  await add({ version: '0.9.0', silentS: 31 })
  await add({ config: 'other', status: 'draining' })
  await add()
  await add()
  expect((await listNodes(database)).differences).toEqual([])
  await add({ config: 'another' })
  expect((await listNodes(database)).differences).toEqual([
    expect.stringMatching(
      /^Live nodes run different configurations: another \(\w+ on here\), c \(\w+ on here, \w+ on here\)\.$/,
    ),
  ])
})

it('drains those that differ from the newest version, though an older one has started after it', async () => {
  const older = await add({ version: '1.9.0', upS: 90 })
  const candidate = await add({ version: '1.10.0-rc.1', upS: 80 })
  await add({ version: '1.10.0', upS: 70 })
  await add({ version: '2.0.0', silentS: 31 })
  const again = await add({ version: '1.9.0', upS: 10 })
  const unknown = await add({ version: 'x', upS: 5 })
  expect((await drainOlder(database, systemClock)).map(({ id }) => id)).toEqual([older, candidate, again, unknown])
  expect(await drainOlder(database, systemClock)).toEqual([])
})

it('drains those of the newest version that have another configuration than the one that started last', async () => {
  const others = [await add({ version: '0.9.0', upS: 90 }), await add({ config: 'other', upS: 80 })]
  await add({ upS: 70 })
  await add({ version: '2.0.0', silentS: 31 })
  await add({ upS: 10 })
  expect((await drainOlder(database, systemClock)).map(({ id }) => id)).toEqual(others)
  expect(await drainOlder(database, systemClock)).toEqual([])
  const { rows } = await database.query('select id from signalbox.nodes where drain_at is not null order by id')
  expect(rows.map(({ id }) => id)).toEqual(others)
})
