import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../../test/database.ts'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import { draft } from '../../../test/drafts.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox, TOKEN, until } from '../../../test/signalbox.ts'
import type { Database, Sql } from '../../db/database.ts'
import type { NewEvent } from '../../events/event.ts'
import { keepPositions } from '../../events/feed.ts'
import { insertEvents } from '../../events/insert.ts'
import type { FeedEnvelope, FeedEvent } from '../../events/wire.ts'
import { systemClock } from '../../lib/clock.ts'
import { feedAnswer } from './feed.ts'

type Page<Item = FeedEvent> = { items: Item[]; next: string; at_end: boolean }

let signalbox: TestSignalbox
let api: DescribedApi
let end: string
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
})
beforeEach(async () => {
  end = (await read('now')).next
})
afterAll(() => signalbox.close())

async function read<Item = FeedEvent>(after: string, query = ''): Promise<Page<Item>> {
  const { status, body } = await api.get(`/events?after=${after}${query}`)
  expect(status).toBe(200)
  return body as Page<Item>
}

function idsOf(items: readonly { id: string }[]): string[] {
  return items.map(({ id }) => id)
}

/** Records events, and waits until nothing open on the server holds them back from a reader. */
async function record(database: Database, ...changes: Partial<NewEvent>[]): Promise<string[]> {
  const ids = await insert(database, ...changes)
  await until('they can be read', async () => {
    const { rows } = await database.query<{ isPast: boolean }>(
      `select base + pg_snapshot_xmin(pg_current_snapshot())::text::bigint >
         (select max(position) from signalbox.events) as "isPast"
       from signalbox.event_positions`,
    )
    return rows[0]?.isPast
  })
  return ids
}

/** Records events as the pipeline does; returns their ids. */
async function insert(sql: Sql, ...changes: Partial<NewEvent>[]): Promise<string[]> {
  const events = changes.map(
    (change): NewEvent => ({
      ...draft(),
      status: 'ignored',
      reason: 'no rule',
      jobs: [],
      deliveries: [],
      ...change,
    }),
  )
  const { rows } = await sql.query<{ version: number }>('select version::int from signalbox.routing_version')
  await insertEvents(sql, systemClock, events, rows[0]?.version ?? 0)
  return idsOf(events)
}

describe('events after a cursor', () => {
  test('come oldest first, page by page, and next is always usable', async () => {
    const { database } = signalbox
    const ids = [...(await record(database, {}, {}, {})), ...(await record(database, {}, {}))]
    const seen: string[] = []
    let after = end
    for (let page = 0; page < 5; page++) {
      const { items, next } = await read(after, '&limit=2')
      seen.push(...idsOf(items))
      after = next
    }
    expect(seen).toEqual(ids)
    expect(await read(after)).toMatchObject({ items: [], at_end: true })
    const [later = ''] = await record(database, {})
    const { items } = await read(after)
    expect(idsOf(items)).toEqual([later])
    expect((await read(items[0]?.cursor ?? '')).items).toEqual([])
    expect(idsOf((await read(end)).items)).toEqual([...ids, later])
    expect((await read('0')).items.length).toBeGreaterThan(0)
  })

  test('are those of a type or a source, and never refused requests', async () => {
    const { database } = signalbox
    const [push, release] = await record(database, {}, { type: 'release.published', source: 'shop' })
    await record(database, { status: 'rejected', reason: 'forged', body: null })
    expect(idsOf((await read(end, '&type=release.*')).items)).toEqual([release])
    expect(idsOf((await read(end, '&source=github')).items)).toEqual([push])
    expect(idsOf((await read(end)).items)).toEqual([push, release])
    const { items, next } = await read(end, '&type=nothing')
    expect({ items, left: (await read(next)).items }).toEqual({ items: [], left: [] })
  })

  test('of a rare type are found behind many others, one answer at a time', async () => {
    await record(signalbox.database, ...Array.from({ length: 6_000 }, () => ({ body: null })))
    const [id] = await record(signalbox.database, { type: 'rare' })
    const first = await read(end, '&type=rare')
    expect(first).toMatchObject({ items: [], at_end: false })
    expect(idsOf((await read(first.next, '&type=rare')).items)).toEqual([id])
    expect(idsOf((await read(end, '&type=rare&wait=1')).items)).toEqual([id])
  })

  test('that are committed late, under an id made before, are not missed', async () => {
    const { database } = signalbox
    const early = draft()
    let later: string[] = []
    await database.transaction(async (open) => {
      const [held] = await insert(open, early)
      later = await insert(database, {}, {})
      // Those recorded after it wait, because it would come before them.
      const { items, next } = await read(end)
      expect(items).toEqual([])
      end = next
      expect(held).toBe(early.id)
    })
    expect(idsOf((await read(end)).items)).toEqual([early.id, ...later])
  })

  test('of a transaction that began before others and recorded after them are not missed', async () => {
    const { database } = signalbox
    const seen: string[] = []
    let last: string[] = []
    await database.transaction(async (open) => {
      await open.query('select pg_current_xact_id()')
      const [first = ''] = await insert(database, {})
      const page = await read(end)
      seen.push(...idsOf(page.items))
      last = [...(await insert(open, {})), first]
      end = page.next
    })
    seen.push(...idsOf((await read(end)).items))
    expect(seen).toEqual(last)
  })

  test('are all read once while many connections record, each a page behind', async () => {
    const { database } = signalbox
    const recorded: string[] = []
    let isDone = false
    const writing = Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        for (let n = 0; n < 40; n++) {
          await database.transaction(async (tx) => {
            recorded.push(...(await insert(tx, {}, {})))
            if ((n + writer) % 3 === 0) await tx.query('select pg_sleep(0.002)')
          })
        }
      }),
    ).then(() => {
      isDone = true
    })
    const seen: string[] = []
    for (let after = end, isLast = false; ; ) {
      isLast = isDone
      const { items, next } = await read(after, '&limit=7')
      seen.push(...idsOf(items))
      if (isLast && items.length === 0) break
      after = next
    }
    await writing
    expect(seen.length).toBe(recorded.length)
    expect(seen.toSorted()).toEqual(recorded.toSorted())
  })

  test('can be had as endpoints are sent them, to the byte', async () => {
    const body = {
      project_id: 'p',
      app_name: 'a',
      variant_name: 'v',
      environment: 'e',
      config: {},
      deployed_by: 'jane',
    }
    await api.post('/deployments', body)
    await record(signalbox.database, { deliveryId: 'guid-1' }, { body: null })
    const { items } = await read<FeedEnvelope>(end, '&form=envelope')
    const stored = await signalbox.database.query<{ body: Buffer }>(
      `select body from signalbox.events where type = 'environment.deployed'`,
    )
    expect(items[0]).toMatchObject({ type: 'environment.deployed', body: stored.rows[0]?.body.toString() })
    expect(JSON.parse(items[1]?.body ?? '')).toMatchObject({
      event: 'push',
      delivery_id: 'guid-1',
      data: { source: 'github', payload: { ref: 'refs/heads/main' } },
    })
    expect(JSON.parse(items[2]?.body ?? '')).toMatchObject({ data: { payload: null } })
  })

  test('with large bodies come a few at a time', async () => {
    const body = Buffer.from(`"${'x'.repeat(3_000_000)}"`)
    const ids = await record(signalbox.database, { body }, { body }, { body })
    const first = await read<FeedEnvelope>(end, '&form=envelope')
    expect(idsOf(first.items)).toEqual(ids.slice(0, 2))
    expect(idsOf((await read<FeedEnvelope>(first.next, '&form=envelope')).items)).toEqual(ids.slice(2))
  })
})

describe('waiting for an event', () => {
  test('ends with it, long before its time', async () => {
    const startedAt = performance.now()
    const waiting = read(end, '&wait=25')
    const [id] = await record(signalbox.database, {})
    expect(idsOf((await waiting).items)).toEqual([id])
    expect(performance.now() - startedAt).toBeLessThan(20_000)
  })

  test('ends after its time, and takes no connection meanwhile', async () => {
    // More than there are connections for lists, and those are free for others.
    const waiting = Array.from({ length: 20 }, () => read(end, '&wait=1&type=other'))
    expect((await api.get('/events')).status).toBe(200)
    await record(signalbox.database, {})
    for (const page of await Promise.all(waiting)) expect(page.items).toEqual([])
  })

  test('is for a hundred at once; others are sent away until later, and who has gone leaves a place', async () => {
    const gone = new AbortController()
    const headers = { authorization: `Bearer ${TOKEN}` }
    const refusals: (string | null)[] = []
    const ask = async () => {
      const url = `${signalbox.url}/api/events?after=${end}&wait=30&type=other`
      const answer = await fetch(url, { headers, signal: gone.signal })
      if (answer.status === 429) refusals.push(answer.headers.get('retry-after'))
    }
    const asked = Promise.allSettled(Array.from({ length: 103 }, ask))
    await until('three are refused', async () => refusals.length === 3)
    expect(refusals).toEqual(['5', '5', '5'])
    gone.abort()
    await asked
    await until('their places are free', async () => (await signalbox.api(`/api/events?after=${end}&wait=1`)).ok)
  })

  test('ends when the service does', async () => {
    const other = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
    const waiting = other.api('/api/events?after=now&wait=30')
    await until('it waits', async () => (await other.api('/health')).ok)
    await other.close()
    expect(await (await waiting).json()).toMatchObject({ items: [] })
  })
})

test.each([
  ['after=x', 'after: not a cursor'],
  ['after=1_x', 'after: not a cursor'],
  [`after=${'9'.repeat(18)}`, 'after: not a cursor of this database'],
  ['after=0&cursor=0', 'cursor: not together with after'],
  ['after=0&status=routed', 'status: not together with after'],
  ['after=0&wait=31', 'wait: '],
  ['wait=1', 'wait: only with after'],
  ['form=envelope', 'form: only with after'],
  ['after=0&form=other', 'form: '],
])('%s is refused', async (query, problem) => {
  const { status, body } = await api.get(`/events?${query}`)
  expect({ status, detail: body.detail }).toEqual({ status: 422, detail: expect.stringContaining(problem) })
})

test('after the tables were copied to another server, new events still come last', async () => {
  const database = await openTestDatabase()
  try {
    const [old = ''] = await record(database, {})
    // There, transactions had reached a higher number.
    await database.query('update signalbox.events set position = position + 1000000')
    await keepPositions(database)
    await keepPositions(database)
    const [later = ''] = await record(database, {})
    const { rows } = await database.query<{ id: string }>('select id from signalbox.events order by position, id')
    expect(idsOf(rows)).toEqual([old, later])
    const gap = await database.query<{ n: number }>(
      'select (max(position) - min(position))::int as n from signalbox.events',
    )
    expect(gap.rows[0]?.n).toBeLessThan(100)
  } finally {
    await database.close()
  }
})

test('a filtered feed is searched no further when its caller has gone', async () => {
  const database = await openTestDatabase()
  // More than are examined at once, and none of the type.
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, body, content_type)
     select gen_random_uuid(), 'test', 'n-' || n, 'other', 'routed', '{}', 'application/json' from generate_series(1, 25000) n`,
  )
  const gone = new AbortController()
  let statements = 0
  const looking: Database = {
    ...database,
    query: (text, values, name) => {
      statements++
      gone.abort()
      return database.query(text, values, name)
    },
  }
  const arrivals = { wait: async () => false } as never
  const answer = await feedAnswer({ looking, arrivals }, { after: '0', wait: 60, type: 'push' } as never, gone.signal)
  expect(answer).toMatchObject({ items: [], at_end: false })
  expect(statements).toBe(2)
  await database.close()
})
