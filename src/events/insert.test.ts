import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { draft } from '../../test/drafts.ts'
import { until } from '../../test/until.ts'
import type { Database } from '../db/database.ts'
import { fakeClock, systemClock } from '../lib/clock.ts'
import { idFor, newId } from '../lib/id.ts'
import type { Draft, NewEvent, NewJob } from './event.ts'
import { insertEvents, outcomesOf } from './insert.ts'
import { getEvent } from './query.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

function ignored(change: Partial<Draft> = {}): NewEvent {
  return { ...draft(change), status: 'ignored', reason: 'no rule', jobs: [], deliveries: [] }
}

function routed(change: Partial<Draft> = {}, job: Partial<NewJob> = {}): NewEvent {
  const event = draft(change)
  const made: NewJob = {
    id: idFor('job', event.id),
    rule: 'review',
    type: 'review',
    agent: 'reviewer',
    input: { depth: 1 },
    policy: { repositories: ['acme/shop'] },
    who: { repository: 'acme/shop', people: ['octocat'], permission: 'write' },
    model: 'openai/gpt-x',
    budget: { usd: 0.5 },
    priority: 7,
    groupKey: 'shop',
    groupLimit: 1,
    mode: 'queue',
    debounce: null,
    ceilingSubject: null,
    maxAttempts: 3,
    timeLimitMs: 1000,
    ...job,
  }
  return { ...event, status: 'routed', reason: null, jobs: [made], deliveries: [] }
}

async function insert(events: NewEvent[], version = 1) {
  return insertEvents(database, systemClock, events, version)
}
async function count(table: string): Promise<number> {
  return (await database.query<{ n: number }>(`select count(*)::int as n from signalbox.${table}`)).rows[0]?.n ?? -1
}

describe('one statement', () => {
  test('writes many events, each with its own bytes, whatever their order', async () => {
    const events = Array.from({ length: 20 }, (_, i) =>
      ignored({ deliveryId: `z${99 - i}`, body: Buffer.from(`{"n":${i},"pad":"${'é'.repeat(i)}"}`) }),
    )
    const { ids } = await insert(events)
    expect(ids).toEqual(new Set(events.map(({ id }) => id)))
    for (const { id, body } of events) expect((await getEvent(database, id))?.body).toEqual(body)
  })

  test('keeps no body, an empty one and one of any bytes apart', async () => {
    const events = [null, Buffer.alloc(0), Buffer.from([0, 255, 128])].map((body) => ignored({ body }))
    await insert(events)
    const stored = await Promise.all(events.map(({ id }) => getEvent(database, id)))
    expect(stored.map((event) => event?.body)).toEqual([null, Buffer.alloc(0), Buffer.from([0, 255, 128])])
  })

  test('writes the jobs and the deliveries of its events', async () => {
    const endpointId = newId()
    await database.query(
      `insert into signalbox.endpoints (id, name, url, secrets, events, origin)
       values ($1, 'hook', 'https://example.com', '[]', array['*'], 'api')`,
      [endpointId],
    )
    const { rows: versions } = await database.query<{ version: number }>(
      'select version::int from signalbox.routing_version',
    )
    const event = {
      ...routed(),
      deliveries: [{ id: newId(), endpointId, groupKey: 'g', maxAttempts: 10, holdsGroup: false, skipped: null }],
    }
    await insert([event], versions[0]?.version)
    const jobs = await database.query(
      `select event_id, rule, type, agent, input, policy, priority, group_key,
         joins->>'group_key' as joins, max_attempts, time_limit_ms, status
       from signalbox.jobs where event_id = $1`,
      [event.id],
    )
    expect(jobs.rows).toEqual([
      {
        event_id: event.id,
        rule: 'review',
        type: 'review',
        agent: 'reviewer',
        input: { depth: 1 },
        policy: { repositories: ['acme/shop'] },
        priority: 7,
        // Until it is known whether those who caused it may.
        group_key: null,
        joins: 'shop',
        max_attempts: 3,
        time_limit_ms: 1000,
        status: 'pending',
      },
    ])
    const deliveries = await database.query(
      'select endpoint_id, group_key, status from signalbox.deliveries where event_id = $1',
      [event.id],
    )
    expect(deliveries.rows).toEqual([{ endpoint_id: endpointId, group_key: 'g', status: 'pending' }])
    await database.query('update signalbox.routing_version set version = 1')
  })

  test('leaves out the delivery for an endpoint that is deleted at that moment', async () => {
    const endpointId = newId()
    await database.query(
      `insert into signalbox.endpoints (id, name, url, secrets, events, origin)
       values ($1, 'hook', 'https://example.com', '[]', array['*'], 'api')`,
      [endpointId],
    )
    const { rows: versions } = await database.query<{ version: number }>(
      'select version::int from signalbox.routing_version',
    )
    const delivery = { id: newId(), endpointId, groupKey: null, maxAttempts: 10, holdsGroup: false, skipped: null }
    const event = { ...routed(), deliveries: [delivery] }
    const inserted = await database.transaction(async (tx) => {
      await tx.query('delete from signalbox.endpoints where id = $1', [endpointId])
      const inserting = insert([event], versions[0]?.version)
      await until('it waits for the end of the deletion', async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        return (await database.query(waiting)).rowCount > 0
      })
      return { inserting }
    })
    expect((await inserted.inserting).ids.has(event.id)).toBe(true)
    const { rows } = await database.query('select from signalbox.deliveries where event_id = $1', [event.id])
    expect(rows).toEqual([])
    await database.query('update signalbox.routing_version set version = 1')
  })

  test('writes nothing at all when the endpoints have another version', async () => {
    const [events, jobs] = [await count('events'), await count('jobs')]
    const { ids, version } = await insert([routed(), ignored()], 99)
    expect([ids.size, version]).toEqual([0, 1])
    expect([await count('events'), await count('jobs')]).toEqual([events, jobs])
  })

  test('writes no job for a delivery that was recorded before', async () => {
    await insert([routed({ deliveryId: 'again' })])
    const jobs = await count('jobs')
    expect((await insert([routed({ deliveryId: 'again' })])).ids.size).toBe(0)
    expect(await count('jobs')).toBe(jobs)
  })

  test('writes nothing for a body key that was recorded before, in the same statement too', async () => {
    const all = ['a', 'a', 'a', 'b'].map((key) => routed({ bodyKey: key.repeat(32) }))
    const [first, , , other] = all
    const { ids } = await insert(all.slice(0, 2))
    expect([...ids]).toEqual([first?.id])
    const again = await insert(all.slice(2))
    expect([...again.ids]).toEqual([other?.id])
    const recorded = await outcomesOf(database, all, new Set([...ids, ...again.ids]))
    expect(recorded.map(({ id, duplicate }) => [id, duplicate])).toEqual([
      [first?.id, false],
      [first?.id, true],
      [first?.id, true],
      [other?.id, false],
    ])
    expect(recorded[2]?.jobIds).toEqual(recorded[0]?.jobIds)
  })

  test("takes the time of the given clock, or of the database if that is the system's", async () => {
    const event = ignored()
    await insertEvents(database, fakeClock('2020-02-02T02:02:02Z'), [event], 1)
    expect((await getEvent(database, event.id))?.receivedAt).toEqual(new Date('2020-02-02T02:02:02Z'))
    const other = ignored()
    await insert([other])
    const at = (await getEvent(database, other.id))?.receivedAt.getTime() ?? 0
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000)
  })

  test('stores facts and headers as they are, and a payload only where there is one', async () => {
    const facts = { labels: ['a', 'b'], number: 7, branch: 'ü"\\' }
    const [plain, translated] = [ignored({ facts, headers: { a: 'b' } }), ignored({ payload: { deep: [{}] } })]
    await insert([plain, translated])
    expect(await getEvent(database, plain.id)).toMatchObject({ facts, headers: { a: 'b' }, payload: null })
    expect(await getEvent(database, translated.id)).toMatchObject({ payload: { deep: [{}] } })
  })
})

describe('the outcome', () => {
  test('of a new event is its own, and of a repeat that of the first, in the order asked', async () => {
    const first = routed({ deliveryId: 'first' })
    await insert([first])
    const [fresh, repeat] = [ignored(), ignored({ deliveryId: 'first' })]
    const { ids } = await insert([repeat, fresh])
    expect(await outcomesOf(database, [repeat, fresh], ids)).toEqual([
      { id: first.id, duplicate: true, status: 'routed', reason: null, jobIds: first.jobs.map(({ id }) => id) },
      { id: fresh.id, duplicate: false, status: 'ignored', reason: 'no rule', jobIds: [] },
    ])
  })

  test('of two copies in one batch is one event', async () => {
    const [one, other] = [routed({ deliveryId: 'twin' }), routed({ deliveryId: 'twin' })]
    const { ids } = await insert([one, other])
    const outcomes = await outcomesOf(database, [one, other], ids)
    expect(outcomes.map(({ duplicate }) => duplicate).sort()).toEqual([false, true])
    expect(new Set(outcomes.map(({ id }) => id))).toEqual(ids)
  })

  test('finds an id with characters the database has none for', async () => {
    const first = ignored({ deliveryId: 'a\0b' })
    await insert([first])
    const repeat = ignored({ deliveryId: 'a\0b' })
    const { ids } = await insert([repeat])
    expect(await outcomesOf(database, [repeat], ids)).toMatchObject([{ id: first.id, duplicate: true }])
  })
})
