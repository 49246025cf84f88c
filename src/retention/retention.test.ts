// What the service does by itself.
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readEnvironment } from '../lib/environment.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { silentLog } from '../lib/log.ts'
import type { Stage } from './fixtures/stage.ts'
import { openStage } from './fixtures/stage.ts'
import { holdLease, releaseLease } from './lease.ts'
import { limitsOf } from './limits.ts'
import { usedBytes } from './size.ts'

const OTHER = '00000000-0000-0000-0000-00000000000a'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.database.close())

function listening(): { log: Log; said: string[] } {
  const said: string[] = []
  const say = (level: string) => (fields: object | string, message?: string) =>
    said.push(`${level}: ${message ?? fields}`)
  return { log: { ...silentLog, info: say('info'), warn: say('warn') }, said }
}

test('bodies go after 30 days and rows after 180, and the log says so', async () => {
  const [kept, without, old] = [
    await stage.event({ days: 29 }),
    await stage.event({ days: 31 }),
    await stage.event({ days: 181 }),
  ]
  const { log, said } = listening()
  await stage.retention({}, log).tick()
  expect((await stage.bodyOf(kept))?.body).not.toBeNull()
  expect((await stage.bodyOf(without))?.body).toBeNull()
  expect(await stage.has('events', old)).toBe(false)
  expect(said).toEqual(['info: deleted bodies older than 30 days: 2', 'info: deleted events older than 180 days: 1'])
})

test('each kind has its own days, 0 keeps it for ever, and events stay for a week at least', () => {
  const of = (env: Record<string, string>) => limitsOf(readEnvironment(env))
  expect(of({}).days).toMatchObject({ bodies: 30, jobs: 180, events: 180, findings: 180 })
  expect(of({ RETENTION_DAYS: '0', RETENTION_LOGS_DAYS: '3' }).days).toMatchObject({
    logs: 3,
    jobs: 0,
    events: 0,
    bodies: 30,
  })
  expect(of({ RETENTION_DAYS: '2' }).days).toMatchObject({ jobs: 2, events: 7 })
  expect(of({ RETENTION_MAX_GB: '20' }).maxBytes).toBe(20e9)
})

test('it is done once in an hour, by whichever node', async () => {
  const [first, second] = [stage.retention(), stage.retention()]
  await first.tick()
  const id = await stage.event({ days: 31 })
  await second.tick()
  expect((await stage.bodyOf(id))?.body).not.toBeNull()
  stage.clock.advance(61 * 60_000)
  await second.tick()
  expect((await stage.bodyOf(id))?.body).toBeNull()
})

test('while another node has the lease nothing is done, and it is taken over when that has died', async () => {
  const id = await stage.event({ days: 31 })
  expect(await holdLease(stage.database, OTHER)).toBe(true)
  await stage.retention().tick()
  expect((await stage.bodyOf(id))?.body).not.toBeNull()
  await stage.query(`update signalbox.retention_lease set until = now() - interval '1 second'`)
  await stage.retention().tick()
  expect((await stage.bodyOf(id))?.body).toBeNull()
  // Given back at the end, and by its owner only.
  expect(await holdLease(stage.database, OTHER)).toBe(true)
  await releaseLease(stage.database, '00000000-0000-0000-0000-00000000000b')
  expect(await holdLease(stage.database, '00000000-0000-0000-0000-00000000000b')).toBe(false)
})

test('it is taken over at once from a node whose heartbeat is over, and not from one that beats', async () => {
  const id = await stage.event({ days: 31 })
  await stage.query(`insert into signalbox.nodes (id, host, pid, roles, lease_ms) values ($1, 'h', 1, '{}', 600000)`, [
    OTHER,
  ])
  expect(await holdLease(stage.database, OTHER)).toBe(true)
  await stage.retention().tick()
  expect((await stage.bodyOf(id))?.body).not.toBeNull()
  await stage.query(`update signalbox.nodes set heartbeat_at = now() - interval '1 hour'`)
  await stage.retention().tick()
  expect((await stage.bodyOf(id))?.body).toBeNull()
})

test('it ends at once although it rests after a long batch', async () => {
  for (let n = 0; n < 40; n++) await stage.event({ days: 200 })
  const { openRetention } = await import('./retention.ts')
  const limits = limitsOf(readEnvironment({ RETENTION_DAYS: '1' }))
  const resting = Promise.withResolvers<number>()
  const rest = (ms: number, signal?: AbortSignal) => {
    resting.resolve(ms)
    return wait(60_000, undefined, { signal }).catch(() => undefined)
  }
  const stop = new AbortController()
  const ticking = openRetention({ ...stage, owner: newId(), log: silentLog, limits, rest }).tick(stop.signal)
  expect(await resting.promise).toBeLessThanOrEqual(5_000)
  stop.abort()
  const stoppedAt = performance.now()
  await ticking
  expect(performance.now() - stoppedAt).toBeLessThan(30_000)
})

test('a database that is too large loses its oldest bodies, and what is in use is known without a VACUUM', async () => {
  const body = Buffer.alloc(900_000, Math.random().toString(36))
  await stage.query('alter table signalbox.events alter column body set storage external')
  for (let n = 0; n < 20; n++) await stage.event({ days: 2 - n / 100, body })
  const used = await usedBytes(stage.database)
  const { log, said } = listening()
  const { openRetention } = await import('./retention.ts')
  const maxBytes = used - 4_000_000
  const limits = { ...limitsOf(readEnvironment({ RETENTION_DAYS: '0', RETENTION_BODIES_DAYS: '0' })), maxBytes }
  // Not packed first, which would be enough.
  await stage.query(`insert into signalbox.retention (kind, done_before) values ('packed', '2026-06-01')`)
  const { tick } = openRetention({ ...stage, owner: newId(), log, limits, rest: async () => {} })
  // Twice, because how much a body takes is an estimate.
  await tick()
  await tick()
  const left = await stage.query('select from signalbox.events where body is not null')
  expect(left.length).toBeGreaterThan(10)
  expect(left.length).toBeLessThan(18)
  expect([...new Set(said.map((line) => line.replace(/\d+$/, 'n')))]).toEqual([
    'info: deleted the oldest bodies, because the database was too large: n',
  ])
  expect(await usedBytes(stage.database)).toBeLessThanOrEqual(maxBytes + 100_000)
  await tick()
  expect(await stage.query('select from signalbox.events where body is not null')).toHaveLength(left.length)
})
