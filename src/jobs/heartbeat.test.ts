import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import type { HeartbeatOptions } from './heartbeat.ts'
import { deadOrchestrators, openHeartbeat } from './heartbeat.ts'

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
const PATIENT = { timeout: 5000, interval: 10 }

function open(change: Partial<HeartbeatOptions> = {}) {
  const id = newId()
  const options = { database, clock, log: silentLog, id, slots: 3, agents: ['ping'], running: () => 0, ...change }
  return { id, heartbeat: openHeartbeat(options) }
}

async function rowOf(id: string) {
  const { rows } = await database.query('select * from signalbox.orchestrators where id = $1', [id])
  return rows[0]
}

describe('a heartbeat', () => {
  it('says who is alive, with how many slots, and how many are in use', async () => {
    let running = 2
    const { id, heartbeat } = open({ running: () => running })
    const startedAt = clock.now()
    await heartbeat.beat()
    expect(await rowOf(id)).toMatchObject({
      pid: process.pid,
      slots: 3,
      agents: ['ping'],
      running: 2,
      status: 'running',
    })
    clock.advance(1000)
    running = 0
    await heartbeat.beat()
    expect(await rowOf(id)).toMatchObject({
      running: 0,
      status: 'idle',
      started_at: startedAt,
      heartbeat_at: clock.now(),
    })
    heartbeat.drain()
    await heartbeat.beat()
    expect(await rowOf(id)).toMatchObject({ status: 'draining' })
  })

  it('beats by itself at once, again after its interval, and says when it has stopped', async () => {
    let beats = 0
    const query: Database['query'] = (text, values, name) => {
      if (text.includes('insert')) beats++
      return database.query(text, values, name)
    }
    const { id, heartbeat } = open({ database: { ...database, query }, intervalMs: 10 })
    void heartbeat.start()
    await vi.waitFor(() => expect(beats).toBeGreaterThanOrEqual(3), PATIENT)
    await heartbeat.stop()
    expect(await rowOf(id)).toMatchObject({ status: 'stopped' })
  })

  it('is silent while the database is away, and goes on after', async () => {
    let isAway = true
    const query: Database['query'] = async (text, values, name) => {
      if (isAway) throw unavailable(new Error('away'))
      return database.query(text, values, name)
    }
    const { id, heartbeat } = open({ database: { ...database, query } })
    await heartbeat.beat()
    expect(await rowOf(id)).toBeUndefined()
    isAway = false
    await heartbeat.beat()
    expect(await rowOf(id)).toMatchObject({ status: 'idle' })
  })

  it('removes the rows of orchestrators that are gone for more than a week when it starts', async () => {
    const { id: old, heartbeat: gone } = open()
    await gone.beat()
    clock.advance(DAY_MS)
    const { id: recent, heartbeat: alive } = open()
    await alive.beat()
    clock.advance(6 * DAY_MS + 1)
    const { id, heartbeat } = open()
    void heartbeat.start()
    await vi.waitFor(async () => expect(await rowOf(old)).toBeUndefined(), PATIENT)
    await heartbeat.stop()
    expect(await rowOf(recent)).toBeDefined()
    expect(await rowOf(id)).toBeDefined()
  })

  it('can be stopped without having been started', async () => {
    const { id, heartbeat } = open()
    await heartbeat.stop()
    expect(await rowOf(id)).toMatchObject({ status: 'stopped' })
  })
})

describe('orchestrators', () => {
  it('of this host whose processes are gone are dead, and none whose process may be alive', async () => {
    const gone = spawnSync(process.execPath, ['--version']).pid
    const add = async (host: string, pid: number) => {
      const id = newId()
      await database.query('insert into signalbox.orchestrators (id, host, pid, slots) values ($1, $2, $3, 1)', [
        id,
        host,
        pid,
      ])
      return id
    }
    const dead = [await add(hostname(), gone), await add(hostname(), process.pid)]
    const alive = [await add(hostname(), process.ppid), await add('elsewhere', gone)]
    const found = await deadOrchestrators(database)
    expect(found).toEqual(expect.arrayContaining(dead))
    for (const id of alive) expect(found).not.toContain(id)
  })
})
