// Recording events: nothing acknowledged is lost, nothing is recorded twice.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { until } from '../../test/signalbox.ts'
import type { Database, Sql } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { idFor, newId } from '../lib/id.ts'
import { openRouting } from '../routing.ts'
import type { Draft, NewJob, Route, Router } from './event.ts'
import { eventPayload } from './payload.ts'
import { getEvent, listEvents } from './query.ts'
import { openRecorder } from './record.ts'

let database: Database
beforeEach(async () => {
  database = await openTestDatabase()
})
afterEach(() => database.close())

function draft(change: Partial<Draft> = {}): Draft {
  return {
    id: newId(),
    source: 'github',
    deliveryId: newId(),
    type: 'push',
    subject: 'acme/shop@main',
    actor: 'octocat',
    facts: { repository: 'acme/shop', branch: 'main' },
    body: Buffer.from('{"ref":"refs/heads/main"}'),
    payload: null,
    contentType: 'application/json',
    headers: { 'user-agent': 'GitHub-Hookshot/1' },
    depth: 0,
    causeJobId: null,
    ...change,
  }
}

function jobFor(event: Draft): NewJob {
  return {
    id: idFor('job', event.id),
    rule: 'review',
    type: 'review',
    agent: 'review',
    input: {},
    priority: 5,
    groupKey: null,
    maxAttempts: 5,
    timeLimitMs: 1000,
  }
}

function routed(event: Draft): Route {
  return { status: 'routed', reason: null, jobs: [jobFor(event)], deliveries: [] }
}
function routerOf(route = routed): Router & { reloads: number } {
  let version = 1
  const router = {
    reloads: 0,
    version: () => version,
    async reload() {
      router.reloads++
      const { rows } = await database.query<{ version: number }>('select version::int from signalbox.endpoints_version')
      version = rows[0]?.version ?? 0
    },
    route,
  }
  return router
}
function recorderOf(options: { router?: Router; database?: Database; onWork?: () => void } = {}) {
  return openRecorder({ database, clock: systemClock, router: routerOf(), onWork: () => {}, ...options })
}
async function count(table: string): Promise<number> {
  return (await database.query<{ n: number }>(`select count(*)::int as n from signalbox.${table}`)).rows[0]?.n ?? -1
}

describe('recording', () => {
  test('an event is stored with its exact bytes and its jobs before record resolves', async () => {
    const event = draft({ body: Buffer.from([0, 255, 10, 13, 0xf0, 0x9f]) })
    const recorded = await recorderOf().record(event)
    expect(recorded).toMatchObject({ id: event.id, duplicate: false, status: 'routed', jobIds: [jobFor(event).id] })
    const stored = await getEvent(database, event.id)
    expect(stored?.body).toEqual(event.body)
    expect(stored).toMatchObject({ type: 'push', facts: event.facts, actor: 'octocat', reason: null })
    expect(await count('jobs')).toBe(1)
  })

  test('fifty copies of one delivery at once make one event and one job, and the others are told so', async () => {
    const recorder = recorderOf()
    const all = await Promise.all(Array.from({ length: 50 }, () => recorder.record(draft({ deliveryId: 'same' }))))
    expect(all.filter((one) => !one.duplicate)).toHaveLength(1)
    expect(new Set(all.map((one) => one.id)).size).toBe(1)
    expect([await count('events'), await count('jobs')]).toEqual([1, 1])
  })

  test('two processes given the same delivery make one event between them', async () => {
    const recorders = [recorderOf(), recorderOf()]
    const all = await Promise.all(
      recorders.flatMap((recorder) =>
        Array.from({ length: 20 }, (_, i) => recorder.record(draft({ deliveryId: `d${i}` }))),
      ),
    )
    expect(all.filter((one) => !one.duplicate)).toHaveLength(20)
    expect(await count('jobs')).toBe(20)
  })

  test('the same delivery id from another source is another event', async () => {
    const recorder = recorderOf()
    const all = await Promise.all(
      ['github', 'agenta'].map((source) => recorder.record(draft({ source, deliveryId: 'x' }))),
    )
    expect(all.map((one) => one.duplicate)).toEqual([false, false])
  })

  test('requests that arrive together share a few commits', async () => {
    let statements = 0
    const counted: Database = {
      ...database,
      query: (text, values) => {
        statements++
        return database.query(text, values)
      },
    }
    const recorder = recorderOf({ database: counted })
    await Promise.all(Array.from({ length: 100 }, () => recorder.record(draft())))
    expect(await count('events')).toBe(100)
    expect(statements).toBeLessThanOrEqual(4)
  })

  test('an event of which more follows than a statement takes values is recorded with all of it', async () => {
    const input = { text: '{"a",\\"b"} NULL', none: null }
    const recorder = recorderOf({
      router: routerOf((event) => ({
        ...routed(event),
        jobs: Array.from({ length: 7000 }, (_, i) => ({ ...jobFor(event), id: idFor(event.id, `${i}`), input })),
      })),
    })
    expect((await recorder.record(draft())).jobIds).toHaveLength(7000)
    const { rows } = await database.query('select count(*)::int as n, input::text from signalbox.jobs group by 2')
    expect(rows).toEqual([{ n: 7000, input: JSON.stringify(input) }])
  })

  test('two transactions with the same deliveries in different orders do not wait for each other', async () => {
    let statements = 0
    const counted: Database = {
      ...database,
      query: (text, values) => {
        statements++
        return database.query(text, values)
      },
    }
    const recorder = recorderOf({ database: counted })
    const all = await database.transaction(async (tx) => {
      await recorder.recordIn(tx, [draft({ deliveryId: 'a' })])
      const waiting = Promise.all(['b', 'a'].map((deliveryId) => recorder.record(draft({ deliveryId }))))
      await until('it waits for the transaction', async () => {
        const { rows } = await database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows.length > 0
      })
      await recorder.recordIn(tx, [draft({ deliveryId: 'b' })])
      return { waiting }
    })
    expect((await all.waiting).map(({ duplicate }) => duplicate)).toEqual([true, true])
    // The insert, and the look for what was there: none was a victim and tried again.
    expect(statements).toBe(2)
  })

  test('a repeat is answered with what was recorded, whatever the rules say now', async () => {
    const first = await recorderOf().record(draft({ deliveryId: 'again' }))
    const router = routerOf(() => ({ status: 'ignored', reason: 'no rule', jobs: [], deliveries: [] }))
    const second = await recorderOf({ router }).record(draft({ deliveryId: 'again' }))
    expect(second).toEqual({ id: first.id, duplicate: true, status: 'routed', reason: null, jobIds: [] })
  })

  test('one item the database refuses does not fail its neighbours', async () => {
    const router = routerOf((event) => {
      const route = routed(event)
      // No agent may have priority 99; the table's own check refuses the row.
      return event.deliveryId === 'bad'
        ? { ...route, jobs: route.jobs.map((job) => ({ ...job, priority: 99 })) }
        : route
    })
    const recorder = recorderOf({ router })
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => recorder.record(draft(i === 7 ? { deliveryId: 'bad' } : {}))),
    )
    expect(results.map((one) => one.status).filter((status) => status === 'rejected')).toHaveLength(1)
    expect(results[7]?.status).toBe('rejected')
    expect(await count('events')).toBe(19)
  })

  test('text that PostgreSQL cannot hold is mended where it is only looked at, and kept in the body', async () => {
    const body = Buffer.from('{"label":"a\\u0000b\\ud800"}')
    const event = draft({ subject: 'a\0b', facts: { label: 'a\0b\ud800' }, body })
    await recorderOf().record(event)
    const stored = await getEvent(database, event.id)
    expect(stored?.subject).toBe('a\ufffdb')
    expect(stored?.facts.label).toBe('a\ufffdb\ufffd')
    expect(stored?.body).toEqual(body)
    const view = await database.query('select payload from webhook_events where id = $1', [event.id])
    expect(view.rows).toEqual([{ payload: null }])
  })

  test('what must commit alongside an event runs for a new one only, in the same transaction', async () => {
    const ran: string[] = []
    const alongside = async (tx: Sql, id: string) => {
      ran.push(id)
      await tx.query(`update signalbox.events set actor = 'alongside' where id = $1`, [id])
    }
    const recorder = recorderOf()
    const first = await recorder.record(draft({ deliveryId: 'once', alongside }))
    await recorder.record(draft({ deliveryId: 'once', alongside }))
    expect(ran).toEqual([first.id])
    expect((await getEvent(database, first.id))?.actor).toBe('alongside')
    const failing = async () => {
      throw new Error('no')
    }
    await expect(recorder.record(draft({ deliveryId: 'never', alongside: failing }))).rejects.toThrow('no')
    expect(await count('events')).toBe(1)
  })

  test('work is announced after a commit that made some, and not for an ignored event', async () => {
    let announced = 0
    const onWork = () => {
      announced++
    }
    await recorderOf({ onWork }).record(draft())
    expect(announced).toBe(1)
    const router = routerOf(() => ({ status: 'ignored', reason: 'no rule', jobs: [], deliveries: [] }))
    await recorderOf({ onWork, router }).record(draft())
    expect(announced).toBe(1)
  })

  test('when the database is away the sender is told to repeat', async () => {
    const away: Database = {
      ...database,
      query: () => Promise.reject(new AppError('database_unavailable')),
    }
    await expect(recorderOf({ database: away }).record(draft())).rejects.toMatchObject({ code: 'database_unavailable' })
  })
})

test('while the database hangs, no more events are taken than memory can hold', async () => {
  const hang = Promise.withResolvers<void>()
  const query = async () => {
    await hang.promise
    throw new AppError('database_unavailable')
  }
  const recorder = recorderOf({ database: { ...database, query } })
  const all = Array.from({ length: 10_100 }, () => recorder.record(draft()).catch((error: AppError) => error.code))
  await expect(all.at(-1)).resolves.toBe('database_unavailable')
  hang.resolve()
  await recorder.idle()
})

describe('endpoints that change while events are recorded', () => {
  test('an event routed by an old copy of the endpoints is routed anew before anything is written', async () => {
    const router = routerOf()
    const endpointId = newId()
    await database.query(
      `insert into signalbox.endpoints (id, name, url, secrets, events, origin)
       values ($1, 'a', 'https://example.com', array['whsec_x'], array['*'], 'api')`,
      [endpointId],
    )
    router.route = (event) => ({
      ...routed(event),
      deliveries: router.reloads === 0 ? [] : [{ id: idFor(event.id), endpointId, groupKey: null }],
    })
    await recorderOf({ router }).record(draft())
    expect(router.reloads).toBe(1)
    expect([await count('events'), await count('deliveries')]).toEqual([1, 1])
  })

  test('inside a transaction they are read again through it: it does not wait for a second connection', async () => {
    const narrow = await openTestDatabase({ max: 1 })
    const routing = await openRouting(narrow, [])
    await narrow.query(
      `insert into signalbox.endpoints (id, name, url, secrets, events, origin)
       values ($1, 'a', 'https://example.com', array['whsec_x'], array['*'], 'api')`,
      [newId()],
    )
    const recorder = recorderOf({ database: narrow, router: routing })
    const recorded = await narrow.transaction((tx) => recorder.recordIn(tx, [draft()]))
    expect(recorded).toMatchObject([{ status: 'routed' }])
    await narrow.close()
  })
})

describe('reading the log', () => {
  test('lists newest first, by filters, and page by page', async () => {
    const recorder = recorderOf()
    for (const type of ['push', 'issues.opened', 'issues.labeled']) await recorder.record(draft({ type }))
    const types = async (filter: Parameters<typeof listEvents>[1]) =>
      (await listEvents(database, filter)).items.map((event) => event.type)
    expect(await types({})).toEqual(['issues.labeled', 'issues.opened', 'push'])
    const first = await listEvents(database, { type: 'issues.*', limit: 1 })
    expect(first.items.map((event) => event.type)).toEqual(['issues.labeled'])
    const second = await listEvents(database, { type: 'issues.*', limit: 1, cursor: first.next ?? '' })
    expect(second.items.map((event) => event.type)).toEqual(['issues.opened'])
    expect(second.next).toBeNull()
    expect(await types({ type: 'issues_*' })).toEqual([])
    await expect(listEvents(database, { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'input_invalid' })
    expect(await getEvent(database, 'nonsense')).toBeNull()
  })

  test('the payload is what was stored with the event, else the body as JSON', () => {
    const body = Buffer.from('{"a":1}')
    expect(eventPayload({ body, payload: { b: 2 } })).toEqual({ b: 2 })
    expect(eventPayload({ body, payload: null })).toEqual({ a: 1 })
    expect(eventPayload({ body: Buffer.from('payload=%7B%7D'), payload: null })).toBeUndefined()
    expect(eventPayload({ body: Buffer.alloc(0), payload: null })).toBeUndefined()
    expect(eventPayload({ body: null, payload: null })).toBeUndefined()
  })
})
