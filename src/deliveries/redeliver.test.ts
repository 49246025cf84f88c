// Sending again: one delivery, or those of an endpoint in a span of time.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../db/database.ts'
import type { Endpoint } from '../endpoints/endpoint.ts'
import { deliveriesFor } from '../endpoints/match.ts'
import { useStage } from './fixtures/stage.ts'
import { getDelivery } from './query.ts'
import type { Elsewhere } from './redeliver.ts'
import { readRecovery, readRedelivery, recover, redeliver } from './redeliver.ts'
import { maxAttempts } from './retry.ts'

const stage = useStage()
const { clock, openReceiver, open, record, statusOf } = stage
let database: Database
beforeAll(() => {
  database = stage.database
})
beforeEach(async () => {
  await database.query('truncate signalbox.deliveries cascade')
})

const since = '2026-01-01T00:00:00Z'
/** Another endpoint to send to. */
function to(endpoint: Endpoint): Elsewhere {
  const one = { ...endpoint, conditions: null, heals: false }
  return {
    endpointId: endpoint.id,
    plan: (events) => events.flatMap((event) => deliveriesFor(event, [one], { maxAttempts })),
  }
}

describe('a delivery that is sent again', () => {
  it('has all attempts of its schedule before it, and keeps those it had in its log', async () => {
    const { got, endpoint } = await openReceiver((response, nth) => response.writeHead(nth === 1 ? 500 : 200).end())
    const id = await record([endpoint.id])
    await database.query('update signalbox.deliveries set max_attempts = 1')
    const sender = open()
    await sender.tick()
    expect(await statusOf(id)).toBe('failed')
    expect(await redeliver(database, clock, { id })).toBe(id)
    expect(await getDelivery(database, id)).toMatchObject({
      status: 'pending',
      failures: 0,
      error: null,
      finished_at: null,
    })
    await sender.tick()
    const { status, attempts } = await getDelivery(database, id)
    expect(status).toBe('succeeded')
    expect(attempts.map(({ attempt, status_code }) => [attempt, status_code])).toEqual([
      [1, 500],
      [2, 200],
    ])
    expect(got[1]?.body).toEqual(got[0]?.body)
    expect(got[1]?.headers['webhook-id']).toBe(got[0]?.headers['webhook-id'])
  })

  it('can go to another endpoint, and stays as it is itself', async () => {
    const one = await openReceiver((response) => response.end())
    const other = await openReceiver((response) => response.end())
    const id = await record([one.endpoint.id])
    const sender = open()
    await sender.tick()
    const sent = await redeliver(database, clock, { id, elsewhere: to(other.endpoint) })
    expect(sent).not.toBe(id)
    await sender.tick()
    expect([one.got.length, other.got.length]).toEqual([1, 1])
    expect(other.got[0]?.body).toEqual(one.got[0]?.body)
    expect([await statusOf(id), await statusOf(sent)]).toEqual(['succeeded', 'succeeded'])
    // A second time it is the same delivery.
    expect(await redeliver(database, clock, { id, elsewhere: to(other.endpoint) })).toBe(sent)
  })

  it('is not one that is being sent, or that does not exist', async () => {
    const { endpoint } = await openReceiver((response) => response.end())
    const id = await record([endpoint.id])
    await database.query(`update signalbox.deliveries set status = 'running' where id = $1`, [id])
    await expect(redeliver(database, clock, { id })).rejects.toMatchObject({ code: 'conflict' })
    const unknown = '00000000-0000-8000-8000-000000000000'
    await expect(redeliver(database, clock, { id: unknown })).rejects.toMatchObject({ code: 'not_found' })
    await database.query(`update signalbox.deliveries set status = 'failed' where id = $1`, [id])
    await expect(redeliver(database, clock, { id, elsewhere: to({ ...endpoint, id: unknown }) })).rejects.toMatchObject(
      { code: 'not_found' },
    )
  })
})

describe('a recovery', () => {
  const options = (change: object = {}) => readRecovery({ since, ...change })

  it('counts first when asked to, and then sends what failed or was skipped, the oldest first', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    const ids: string[] = []
    for (const status of ['failed', 'skipped', 'succeeded', 'failed']) {
      const id = await record([endpoint.id])
      await database.query('update signalbox.deliveries set status = $2, finished_at = $3 where id = $1', [
        id,
        status,
        clock.now(),
      ])
      ids.push(id)
      clock.advance(1000)
    }
    expect(await recover(database, clock, endpoint.id, options({ dry_run: true }))).toEqual({
      count: 3,
      more: false,
      dry_run: true,
    })
    expect(await statusOf(ids[0]!)).toBe('failed')
    expect(await recover(database, clock, endpoint.id, options())).toMatchObject({ count: 3 })
    const sender = open({ slots: 1 })
    while ((await sender.tick()) > 0);
    expect(got).toHaveLength(3)
    const sent = await Promise.all([ids[0], ids[1], ids[3]].map((id) => getDelivery(database, id!)))
    expect(got.map(({ headers }) => headers['webhook-id'])).toEqual(sent.map(({ event_id }) => event_id))
    expect(await recover(database, clock, endpoint.id, options())).toMatchObject({ count: 0 })
  })

  it('takes a span of time, statuses, types, and another endpoint', async () => {
    const { endpoint } = await openReceiver((response) => response.end())
    const other = await openReceiver((response) => response.end())
    for (let n = 0; n < 3; n++) {
      await record([endpoint.id])
      clock.advance(60_000)
    }
    await database.query(`update signalbox.deliveries set status = 'succeeded', finished_at = now()`)
    const at = (ms: number) => new Date(clock.now().getTime() + ms).toISOString()
    const count = async (change: object) =>
      (await recover(database, clock, endpoint.id, options({ dry_run: true, status: ['succeeded'], ...change }))).count
    expect(await count({})).toBe(3)
    expect(await count({ since: at(-120_000) })).toBe(2)
    expect(await count({ until: at(-120_000) })).toBe(1)
    expect(await count({ type: 'environment.*' })).toBe(3)
    expect(await count({ type: 'push' })).toBe(0)
    const moved = await recover(database, clock, endpoint.id, options({ status: ['succeeded'] }), to(other.endpoint))
    expect(moved.count).toBe(3)
    const sender = open()
    while ((await sender.tick()) > 0);
    expect(other.got).toHaveLength(3)
  })

  it('takes every time, also one before all others and one far to the east', async () => {
    const { endpoint } = await openReceiver((response) => response.end())
    for (const given of ['0000-01-01T00:00:00Z', '2025-01-01T00:00:00+23:59']) {
      const counted = await recover(database, clock, endpoint.id, options({ since: given, until: given }))
      expect(counted).toMatchObject({ count: 0 })
    }
  })

  it('sends nothing that a newer delivery was sent in the place of', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    await database.query(`update signalbox.endpoints set ordering = 'latest-only' where id = $1`, [endpoint.id])
    for (let n = 0; n < 3; n++) {
      await record([endpoint.id])
      clock.advance(1000)
    }
    await database.query(`update signalbox.deliveries set group_key = 'shop'`)
    const sender = open()
    while ((await sender.tick()) > 0);
    expect(got).toHaveLength(1)
    expect(await recover(database, clock, endpoint.id, options())).toMatchObject({ count: 0 })
  })

  it('keeps the order that the other endpoint wants', async () => {
    const { endpoint } = await openReceiver((response) => response.end())
    const other = await openReceiver((response) => response.end())
    for (let n = 0; n < 3; n++) await record([endpoint.id])
    await database.query(`update signalbox.events set facts = '{"app":"a","environment":"production"}'`)
    await database.query(`update signalbox.deliveries set status = 'failed', finished_at = now()`)
    await recover(database, clock, endpoint.id, options(), to({ ...other.endpoint, ordering: 'ordered' }))
    const { rows } = await database.query(
      `select count(*)::int as rows, count(distinct group_key)::int as groups, bool_and(holds_group) as held,
         count(distinct created_at)::int as times
       from signalbox.deliveries where endpoint_id = $1`,
      [other.endpoint.id],
    )
    expect(rows).toEqual([{ rows: 3, groups: 1, held: true, times: 3 }])
  })

  it('refuses what is not one, and an endpoint that is not there', async () => {
    expect(() => readRecovery({})).toThrowError(expect.objectContaining({ code: 'input_invalid' }))
    expect(() => readRecovery({ since: 'yesterday' })).toThrowError(expect.objectContaining({ code: 'input_invalid' }))
    expect(() => readRedelivery({ endpoint: 'x' })).toThrowError(expect.objectContaining({ code: 'input_invalid' }))
    await expect(recover(database, clock, 'nobody', options())).rejects.toMatchObject({ code: 'not_found' })
  })
})
