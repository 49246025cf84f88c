import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { fakeClock, systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { drainNode } from './drain.ts'
import type { NodeOptions } from './node.ts'
import { deadNodes, openNode } from './node.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
afterEach(() => {
  vi.useRealTimers()
})

const clock = fakeClock()
const DAY_MS = 86_400_000

const about = {
  roles: ['orchestrator'],
  slots: 3,
  agents: ['ping'],
  version: '1.2.3',
  schemaVersion: '0001-init.sql',
  configSha256: 'c0ffee',
} as const

function open(change: Partial<NodeOptions> = {}) {
  const node = openNode({ database, clock, log: silentLog, ...about, running: () => 0, ...change })
  return { id: node.id, node }
}

async function rowOf(id: string) {
  const { rows } = await database.query('select * from signalbox.nodes where id = $1', [id])
  return rows[0]
}

describe('a node', () => {
  it('says that it is alive, what it runs by, and how many of its slots are in use', async () => {
    let running = 2
    const { id, node } = open({ running: () => running })
    const startedAt = clock.now()
    await node.beat()
    expect(await rowOf(id)).toMatchObject({
      host: hostname(),
      pid: process.pid,
      roles: ['orchestrator'],
      slots: 3,
      agents: ['ping'],
      version: '1.2.3',
      schema_version: '0001-init.sql',
      config_sha256: 'c0ffee',
      lease_ms: 30_000,
      running: 2,
      status: 'running',
    })
    clock.advance(1000)
    running = 0
    await node.beat()
    expect(await rowOf(id)).toMatchObject({
      running: 0,
      status: 'idle',
      started_at: startedAt,
      heartbeat_at: clock.now(),
    })
    node.drain()
    await node.beat()
    expect(await rowOf(id)).toMatchObject({ status: 'draining' })
  })

  it('beats by itself at once, three times in a lease, and says when it has stopped', async () => {
    let beats = 0
    const query: Database['query'] = (text, values, name) => {
      if (text.includes('insert')) beats++
      return database.query(text, values, name)
    }
    const { id, node } = open({ database: { ...database, query }, leaseMs: 30 })
    void node.start()
    await expect.poll(() => beats).toBeGreaterThanOrEqual(3)
    await node.stop()
    expect(await rowOf(id)).toMatchObject({ status: 'stopped' })
  })

  it('is silent while the database is away, and goes on after', async () => {
    let isAway = true
    const query: Database['query'] = async (text, values, name) => {
      if (isAway) throw unavailable(new Error('away'))
      return database.query(text, values, name)
    }
    const { id, node } = open({ database: { ...database, query } })
    await node.beat()
    expect(await rowOf(id)).toBeUndefined()
    isAway = false
    await node.beat()
    expect(await rowOf(id)).toMatchObject({ status: 'idle' })
  })

  it('removes the rows of nodes that are gone for more than a week when it starts', async () => {
    const { id: old, node: gone } = open()
    await gone.beat()
    clock.advance(DAY_MS)
    const { id: recent, node: alive } = open()
    await alive.beat()
    clock.advance(6 * DAY_MS + 1)
    const { id, node } = open()
    void node.start()
    await expect.poll(() => rowOf(old)).toBeUndefined()
    await node.stop()
    expect(await rowOf(recent)).toBeDefined()
    expect(await rowOf(id)).toBeDefined()
  })

  it('sees at a heartbeat that it is to drain', async () => {
    const { id, node } = open({ clock: systemClock })
    await node.beat()
    expect(await Promise.race([node.drained, 'not yet'])).toBe('not yet')
    await drainNode(database, systemClock, id)
    await node.beat()
    expect(await node.drained).toBe('it was asked to drain')
    await node.stop()
    await expect(drainNode(database, systemClock, id)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('is to end when the tables have a migration that does not work with it', async () => {
    const { node } = open()
    const add = (name: string, worksWith: string | null) =>
      database.query(`insert into signalbox.migrations (name, sha256, works_with) values ($1, 'x', $2)`, [
        name,
        worksWith,
      ])
    await add('0002-adds.sql', '0001-init.sql')
    await node.beat()
    expect(await Promise.race([node.drained, 'not yet'])).toBe('not yet')
    await add('0003-takes-away.sql', '0002-adds.sql')
    await node.beat()
    expect(await node.drained).toBe('this version does not work with migration 0003-takes-away.sql')
    await database.query(`delete from signalbox.migrations where sha256 = 'x'`)
  })

  it('warns when it starts beside others that run something else', async () => {
    const warnings: unknown[] = []
    const { node: one } = open({ clock: systemClock })
    await one.start()
    const log = { ...silentLog, warn: (...given: unknown[]) => warnings.push(given[0]) }
    const { node: other } = open({ clock: systemClock, version: '1.3.0', log })
    await other.start()
    expect(warnings).toEqual([
      expect.stringMatching(/^Live nodes run different versions of the program: 1\.2\.3 \(\w{8} on .*\), 1\.3\.0 \(/),
    ])
    await Promise.all([one.stop(), other.stop()])
  })

  it('ends in bounded time though the database hangs', async () => {
    const { node } = open({ database: { ...database, query: () => new Promise(() => {}) } })
    void node.beat()
    node.drain()
    vi.useFakeTimers()
    const stopped = node.stop()
    await vi.advanceTimersByTimeAsync(3000)
    await stopped
  })

  it('can be stopped without having been started', async () => {
    const { id, node } = open()
    await node.stop()
    expect(await rowOf(id)).toMatchObject({ status: 'stopped' })
  })
})

describe('nodes', () => {
  it('of this host whose processes are gone are dead, and none whose process may be alive', async () => {
    const gone = spawnSync(process.execPath, ['--version']).pid
    const add = async (host: string, pid: number) => {
      const id = newId()
      await database.query('insert into signalbox.nodes (id, host, pid, roles) values ($1, $2, $3, $4)', [
        id,
        host,
        pid,
        ['receiver'],
      ])
      return id
    }
    const dead = [await add(hostname(), gone), await add(hostname(), process.pid)]
    const alive = [await add(hostname(), process.ppid), await add('elsewhere', gone)]
    const found = await deadNodes(database)
    expect(found).toEqual(expect.arrayContaining(dead))
    for (const id of alive) expect(found).not.toContain(id)
  })
})
