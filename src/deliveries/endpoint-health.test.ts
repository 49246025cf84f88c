// What becomes of an endpoint's deliveries while it fails, and in which order they are sent.
import type { ServerResponse } from 'node:http'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../test/until.ts'
import type { Database } from '../db/database.ts'
import { changeEndpoint } from '../endpoints/change.ts'
import { getEndpoint } from '../endpoints/endpoints.ts'
import { addressGuard } from '../lib/address-guard.ts'
import { useStage } from './fixtures/stage.ts'
import { targetReader } from './kinds/kinds.ts'
import { getDelivery } from './query.ts'

const stage = useStage()
const { clock, seal, said, openReceiver, open, record, statusOf } = stage
let database: Database
beforeAll(() => {
  database = stage.database
})

describe('an endpoint', () => {
  const HOUR = 3_600_000
  const DAY = 24 * HOUR
  const health = async (id: string) =>
    (await database.query('select * from signalbox.endpoint_health where endpoint_id = $1', [id])).rows[0]
  const endpointOf = async (id: string) =>
    (
      await database.query<{ status: string; heals: boolean }>(
        'select status, heals from signalbox.endpoints where id = $1',
        [id],
      )
    ).rows[0]
  beforeEach(async () => {
    await database.query('truncate signalbox.deliveries cascade')
    said.length = 0
  })

  it('that has moved meanwhile is not what the address it had answers for', async () => {
    const asked = Promise.withResolvers<ServerResponse>()
    const { endpoint } = await openReceiver((response) => asked.resolve(response))
    const id = await record([endpoint.id])
    const sender = open()
    const ticking = sender.tick()
    const response = await asked.promise
    const moved = 'http://127.0.0.1:8099/moved'
    const store = { database, seal, readTarget: targetReader(addressGuard(['127.0.0.1'])) }
    await changeEndpoint(store, endpoint.id, { url: moved })
    response.writeHead(410).end()
    await ticking
    await until('it is given up', async () => (await statusOf(id)) === 'failed')
    expect(await getEndpoint(database, endpoint.id)).toMatchObject({
      url: moved,
      status: 'active',
      status_reason: null,
    })
    expect(await health(endpoint.id)).toMatchObject({ failures: 0 })
  })

  it('that is broken for six days and then mended heals without anybody, and gets all that waited', async () => {
    let isBroken = true
    const { got, endpoint } = await openReceiver((response) => response.writeHead(isBroken ? 500 : 204).end())
    const ids: string[] = []
    for (let n = 0; n < 30; n++) ids.push(await record([endpoint.id]))
    const sender = open({ slots: 32 })
    const startedAt = clock.now().getTime()
    while (clock.now().getTime() - startedAt < 6 * DAY) {
      await sender.tick()
      clock.advance(HOUR)
      if (clock.now().getTime() - startedAt === 3 * DAY)
        for (let n = 0; n < 5; n++) ids.push(await record([endpoint.id]))
    }
    expect(said.filter((type) => type.startsWith('endpoint.'))).toEqual(['endpoint.failing', 'endpoint.disabled'])
    expect(await endpointOf(endpoint.id)).toEqual({ status: 'disabled', heals: true })
    // Thirty at once, then one from time to time: not one attempt for each delivery and time.
    expect(got.length).toBeLessThan(250)

    isBroken = false
    const before = got.length
    for (let n = 0; n < 24 * 2; n++) {
      await sender.tick()
      clock.advance(HOUR)
    }
    expect(said.at(-1)).toBe('endpoint.recovered')
    expect(await endpointOf(endpoint.id)).toEqual({ status: 'active', heals: false })
    expect(await health(endpoint.id)).toMatchObject({ state: 'closed', failures: 0 })
    const states = await Promise.all(ids.map(statusOf))
    expect(states.filter((status) => status === 'pending')).toEqual([])
    expect(got.length - before).toBe(states.filter((status) => status === 'succeeded').length)
    expect(states.filter((status) => status === 'succeeded').length).toBeGreaterThan(0)
  })

  it('whose receiver starts anew costs its deliveries seconds, not minutes', async () => {
    const { got, endpoint, close, listen } = await openReceiver((response) => response.end())
    close()
    const id = await record([endpoint.id])
    const sender = open()
    await sender.tick()
    clock.advance(5000)
    await sender.tick()
    await listen()
    clock.advance(10_000)
    await sender.tick()
    expect(await statusOf(id)).toBe('succeeded')
    expect(got).toHaveLength(1)
  })

  it('that gave up on a delivery is reported once an hour, and nothing follows from such reports themselves', async () => {
    const { endpoint } = await openReceiver((response) => response.writeHead(500).end())
    await database.query(`update signalbox.endpoints set schedule = '{}' where id = $1`, [endpoint.id])
    const one = async () => {
      await record([endpoint.id])
      await database.query('update signalbox.deliveries set max_attempts = 1')
      await open().tick()
    }
    await one()
    await one()
    const given = () => said.filter((type) => type === 'delivery.exhausted')
    expect(given()).toHaveLength(1)
    clock.advance(HOUR)
    await one()
    expect(given()).toHaveLength(2)
    await database.query(`update signalbox.events set type = 'delivery.exhausted'`)
    clock.advance(2 * HOUR)
    await database.query(`update signalbox.deliveries set status = 'pending', failures = 0`)
    await open().tick()
    expect(given()).toHaveLength(2)
  })

  it('that comes and goes is said to fail once an hour, and to have recovered as often', async () => {
    let nth = 0
    const { endpoint } = await openReceiver((response) => response.writeHead(nth++ % 20 < 12 ? 500 : 200).end())
    const sender = open({ slots: 1 })
    for (let minute = 0; minute < 120; minute++) {
      for (let n = 0; n < 3; n++) await record([endpoint.id])
      await sender.tick()
      clock.advance(60_000)
    }
    const times = (type: string) => said.filter((each) => each === type).length
    expect(times('endpoint.failing')).toBeGreaterThan(0)
    expect(times('endpoint.failing')).toBeLessThanOrEqual(2)
    expect(times('endpoint.failing') - times('endpoint.recovered')).toBeLessThanOrEqual(1)
  })

  it('that answers 429 is left alone for as long as it asks, and that is no failure of it', async () => {
    const { got, endpoint } = await openReceiver((response, nth) =>
      response.writeHead(nth === 1 ? 429 : 200, { 'retry-after': '60' }).end(),
    )
    const [first, second] = [await record([endpoint.id]), await record([endpoint.id])]
    const sender = open({ slots: 1 })
    await sender.tick()
    clock.advance(59_000)
    expect(await sender.tick()).toBe(0)
    expect(await health(endpoint.id)).toMatchObject({ failures: 0 })
    clock.advance(1000)
    await sender.tick()
    await sender.tick()
    expect([await statusOf(first), await statusOf(second)]).toEqual(['succeeded', 'succeeded'])
    expect(got).toHaveLength(3)
  })

  describe('with an order', () => {
    async function inGroup(endpointId: string, holds: boolean) {
      const id = await record([endpointId])
      await database.query(`update signalbox.deliveries set group_key = 'g' || $2, holds_group = $3 where id = $1`, [
        id,
        endpointId,
        holds,
      ])
      clock.advance(1)
      return id
    }

    it('holds what follows until what was before is done, also while that waits', async () => {
      const { got, endpoint } = await openReceiver((response, nth) => response.writeHead(nth <= 2 ? 500 : 200).end())
      const ids = [await inGroup(endpoint.id, true), await inGroup(endpoint.id, true), await inGroup(endpoint.id, true)]
      const sender = open()
      await sender.tick()
      expect(await sender.tick()).toBe(0)
      clock.advance(5000)
      await sender.tick()
      clock.advance(300_000)
      while ((await sender.tick()) > 0);
      expect(got).toHaveLength(5)
      const order = await database.query<{ id: string }>(
        'select id from signalbox.deliveries order by finished_at, created_at',
      )
      expect(order.rows.map((row) => row.id)).toEqual(ids)
    })

    it('wants the latest only: a burst becomes one request, which names those it stands for', async () => {
      const { got, endpoint } = await openReceiver((response) => response.end())
      await database.query(`update signalbox.endpoints set ordering = 'latest-only' where id = $1`, [endpoint.id])
      const ids: string[] = []
      for (let n = 0; n < 5; n++) ids.push(await inGroup(endpoint.id, false))
      const sender = open()
      while ((await sender.tick()) > 0);
      expect(got).toHaveLength(1)
      expect(await Promise.all(ids.map(statusOf))).toEqual(['skipped', 'skipped', 'skipped', 'skipped', 'succeeded'])
      const newest = await getDelivery(database, ids[4]!)
      expect(newest.supersedes).toEqual(ids.slice(0, 4))
      expect(await getDelivery(database, ids[0]!)).toMatchObject({
        superseded_by: ids[4],
        error: `Superseded by ${ids[4]}.`,
      })
      expect(got[0]?.headers['x-signalbox-superseded']?.toString().split(',')).toHaveLength(4)
    })

    it('does not send an older one after a newer one, which failed in between', async () => {
      const { got, endpoint } = await openReceiver((response, nth) => response.writeHead(nth === 1 ? 500 : 200).end())
      await database.query(`update signalbox.endpoints set ordering = 'latest-only' where id = $1`, [endpoint.id])
      const old = await inGroup(endpoint.id, false)
      const sender = open()
      await sender.tick()
      const young = await inGroup(endpoint.id, false)
      await sender.tick()
      clock.advance(300_000)
      expect(await sender.tick()).toBe(0)
      expect([await statusOf(old), await statusOf(young)]).toEqual(['skipped', 'succeeded'])
      expect(got).toHaveLength(2)
    })
  })
})
