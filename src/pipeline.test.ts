// The pipeline over a real database: what is received is recorded once, with all that follows.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../test/database.ts'
import { draft } from '../test/drafts.ts'
import { AGENTA_DEPLOYMENT, PUSH } from '../test/fixtures/payloads.ts'
import type { HeaderList } from '../test/fixtures/signed.ts'
import { agentaHeaders, githubHeaders } from '../test/fixtures/signed.ts'
import { until } from '../test/signalbox.ts'
import { ping } from './agents/ping/ping.ts'
import type { Database, Sql } from './db/database.ts'
import type { Draft, NewEvent, Reaction, Recorded } from './events/event.ts'
import { eventPayload } from './events/payload.ts'
import { getEvent } from './events/query.ts'
import { fakeClock, systemClock } from './lib/clock.ts'
import { AppError } from './lib/error.ts'
import { newId } from './lib/id.ts'
import { silentLog } from './lib/log.ts'
import type { PipelineOptions } from './pipeline.ts'
import { openPipeline } from './pipeline.ts'
import type { Rule } from './rules/rule.ts'
import type { Source } from './sources/source.ts'
import { sourcesFrom } from './sources/sources.ts'

const keys = { secret: 'a-secret-of-32-characters-or-so!', token: '', now: new Date('2026-01-01T00:00:00Z') }
const review: Rule = { name: 'review', on: 'push', agent: 'reviewer' }

let database: Database
beforeEach(async () => {
  database = await openTestDatabase()
})
afterEach(() => database.close())

function sources(...others: Source[]) {
  return sourcesFrom({ githubSecrets: [keys.secret], agentaSecrets: [keys.secret], others })
}
function open(options: Partial<PipelineOptions> = {}) {
  return openPipeline({
    database,
    clock: systemClock,
    log: silentLog,
    sources: sources(),
    rules: [review],
    onWork: () => {},
    ...options,
  })
}
type Pipeline = Awaited<ReturnType<typeof open>>

async function send(pipeline: Pipeline, source: string, body: Buffer, list: HeaderList) {
  const headers = new Headers(list)
  return pipeline.receive(pipeline.admit(source, headers), body, headers, '203.0.113.7')
}
async function count(table: string): Promise<number> {
  return (await database.query<{ n: number }>(`select count(*)::int as n from signalbox.${table}`)).rows[0]?.n ?? -1
}
async function addEndpoint(events: string[] = ['*']): Promise<string> {
  const id = newId()
  await database.query(
    `insert into signalbox.endpoints (id, name, url, secrets, events, origin)
     values ($1, 'hook', 'https://example.com', '[]', $2, 'api')`,
    [id, events],
  )
  return id
}
/** The database, counting the statements that do not come from a transaction. */
function counted(): { database: Database; statements(): number; transactions(): number } {
  let [statements, transactions] = [0, 0]
  return {
    database: {
      ...database,
      query: (...given) => {
        statements++
        return database.query(...given)
      },
      transaction: (...given) => {
        transactions++
        return database.transaction(...given)
      },
    },
    statements: () => statements,
    transactions: () => transactions,
  }
}

describe('recording', () => {
  test('an event is stored with its exact bytes and its jobs before record resolves', async () => {
    const event = draft({ body: Buffer.from([0, 255, 10, 13, 0xf0, 0x9f]) })
    const recorded = await (await open()).record(event)
    expect(recorded).toMatchObject({ id: event.id, duplicate: false, status: 'routed', reason: null })
    expect(recorded.jobIds).toHaveLength(1)
    const stored = await getEvent(database, event.id)
    expect(stored?.body).toEqual(event.body)
    expect(stored).toMatchObject({ type: 'push', facts: event.facts, headers: event.headers, actor: 'octocat' })
    expect(await count('jobs')).toBe(1)
  })

  test('fifty copies of one delivery at once make one event and one job, and the others are duplicates', async () => {
    const { record } = await open()
    const all = await Promise.all(Array.from({ length: 50 }, () => record(draft({ deliveryId: 'same' }))))
    expect(all.filter((one) => !one.duplicate)).toHaveLength(1)
    expect(new Set(all.map((one) => one.id)).size).toBe(1)
    expect([await count('events'), await count('jobs')]).toEqual([1, 1])
  })

  test('two processes given the same delivery make one event between them', async () => {
    const pipelines = [await open(), await open()]
    const all = await Promise.all(
      pipelines.flatMap(({ record }) => Array.from({ length: 20 }, (_, i) => record(draft({ deliveryId: `d${i}` })))),
    )
    expect(all.filter((one) => !one.duplicate)).toHaveLength(20)
    expect(await count('jobs')).toBe(20)
  })

  test('the same delivery id from another source is another event', async () => {
    const { record } = await open()
    const all = await Promise.all(['github', 'agenta'].map((source) => record(draft({ source, deliveryId: 'x' }))))
    expect(all.map((one) => one.duplicate)).toEqual([false, false])
  })

  test('requests that arrive together share a few commits, without a transaction of several statements', async () => {
    const watched = counted()
    const { record } = await open({ database: watched.database })
    await Promise.all(Array.from({ length: 100 }, () => record(draft())))
    expect(await count('events')).toBe(100)
    // What routing depends on is read by four when the pipeline opens.
    expect(watched.statements()).toBeLessThanOrEqual(6)
    expect(watched.transactions()).toBe(0)
  })

  test('an event of which more follows than a statement takes values is recorded with all of it', async () => {
    const input = { text: '{"a",\\"b"} NULL', none: null }
    const rules = Array.from({ length: 7000 }, (_, i): Rule => ({ ...review, name: `rule-${i}`, with: input }))
    const recorded = await (await open({ rules })).record(draft())
    expect(recorded.jobIds).toHaveLength(7000)
    const { rows } = await database.query('select count(*)::int as n, input::text from signalbox.jobs group by 2')
    expect(rows).toEqual([{ n: 7000, input: JSON.stringify(input) }])
  })

  test('two transactions with the same deliveries in different orders do not wait for each other', async () => {
    const watched = counted()
    const pipeline = await open({ database: watched.database })
    const before = watched.statements()
    const all = await database.transaction(async (tx) => {
      await pipeline.recordIn(tx, [draft({ deliveryId: 'a' })])
      const waiting = Promise.all(['b', 'a'].map((deliveryId) => pipeline.record(draft({ deliveryId }))))
      await until('it waits for the transaction', async () => {
        const { rows } = await database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows.length > 0
      })
      await pipeline.recordIn(tx, [draft({ deliveryId: 'b' })])
      return { waiting }
    })
    expect((await all.waiting).map(({ duplicate }) => duplicate)).toEqual([true, true])
    // The insert, and the look for what was there: neither was ended as a deadlock and repeated.
    expect(watched.statements() - before).toBe(2)
  })

  test('a repeat is answered with what was recorded, whatever the rules say now', async () => {
    const first = await (await open()).record(draft({ deliveryId: 'again' }))
    const second = await (await open({ rules: [] })).record(draft({ deliveryId: 'again' }))
    // The jobs of the first, in their order.
    expect(second).toEqual({ ...first, duplicate: true })
    expect(first.jobIds).toHaveLength(1)
  })

  test('events of one commit keep their order within a group, and the jobs of one event that of the rules', async () => {
    const clock = fakeClock()
    const rules = ['one', 'two'].map(
      (name): Rule => ({ name, on: 'push', agent: 'reviewer', concurrency: { key: '{repository}' } }),
    )
    const { record } = await open({ clock, rules })
    const events = Array.from({ length: 20 }, (_, i) =>
      draft({ facts: { repository: 'acme/shop' }, deliveryId: String(99 - i) }),
    )
    const recorded = await Promise.all(events.map((event) => record(event)))
    const order = async (column: string) =>
      (
        await database.query<{ id: string }>(
          `select id from signalbox.jobs where available_at <= $1 order by ${column}`,
          [clock.now()],
        )
      ).rows.map(({ id }) => id)
    const expected = recorded.flatMap(({ jobIds }) => jobIds)
    expect(expected).toHaveLength(40)
    expect(await order('available_at')).toEqual(expected)
    // Where a released job gets its place back from.
    expect(await order('created_at')).toEqual(expected)
    expect((await record(draft({ deliveryId: '96' }))).jobIds).toEqual(recorded[3]?.jobIds)
  })

  test('one event the database refuses does not fail its neighbours', async () => {
    // The table's own check refuses a priority of 99.
    const rules = [{ ...review, when: { branch: 'bad' }, priority: 99 }]
    const { record } = await open({ rules })
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => record(draft(i === 7 ? { facts: { branch: 'bad' } } : {}))),
    )
    expect(results.map((one) => one.status).indexOf('rejected')).toBe(7)
    expect(await count('events')).toBe(19)
  })

  test('work is announced after a commit that made some, and not for an ignored event', async () => {
    let announced = 0
    const onWork = () => {
      announced++
    }
    await (await open({ onWork })).record(draft())
    expect(announced).toBe(1)
    await (await open({ onWork, rules: [] })).record(draft())
    expect(announced).toBe(1)
  })

  test('work is announced again for a repeat, since the answer to the first may have been lost', async () => {
    let announced = 0
    await (await open()).record(draft({ deliveryId: 'known' }))
    await (await open({ onWork: () => announced++ })).record(draft({ deliveryId: 'known' }))
    expect(announced).toBe(1)
  })

  describe('committed, but not heard of', () => {
    /** Fails what is asked after the insert: which events were recorded before. */
    function failing(error: Error, times: number): Database {
      let left = times
      return {
        ...database,
        query: (text, ...rest) =>
          text.includes('select e.id, e.status') && left-- > 0 ? Promise.reject(error) : database.query(text, ...rest),
      }
    }
    async function recordBesideARepeat(error: Error, times: number) {
      await (await open()).record(draft({ deliveryId: 'known' }))
      let announced = 0
      const { record } = await open({ database: failing(error, times), onWork: () => announced++ })
      const results = await Promise.allSettled([record(draft()), record(draft({ deliveryId: 'known' }))])
      return { results, announced }
    }

    test('work is announced, and the sender answered, once the database says what it has', async () => {
      const { results, announced } = await recordBesideARepeat(new AppError('database_unavailable'), 2)
      expect(results).toMatchObject([{ value: { duplicate: false, status: 'routed' } }, { value: { duplicate: true } }])
      expect(await count('jobs')).toBe(2)
      expect(announced).toBe(1)
    })

    test('an event written again by itself is found there, and is still the first of its kind', async () => {
      const { results } = await recordBesideARepeat(new Error('no'), 1)
      expect(results).toMatchObject([
        { value: { duplicate: false, status: 'routed', jobIds: [expect.any(String)] } },
        { value: { duplicate: true, jobIds: [expect.any(String)] } },
      ])
      expect(await count('events')).toBe(2)
    })
  })

  test('while the database is away a manual trigger waits for it, and is recorded once', async () => {
    let isAway = true
    const away: Database = {
      ...database,
      query: (text, ...rest) =>
        isAway && text.includes('new_events')
          ? Promise.reject(new AppError('database_unavailable'))
          : database.query(text, ...rest),
    }
    const { trigger } = await open({ database: away, agents: new Map([['ping', ping]]) })
    const headers = new Headers({ 'content-type': 'application/json' })
    const triggering = trigger(Buffer.from('{"job_type":"ping"}'), headers, '203.0.113.7')
    await new Promise((resolve) => setImmediate(resolve))
    isAway = false
    expect(await triggering).toMatchObject({ duplicate: false, jobIds: [expect.any(String)] })
    expect(await count('events')).toBe(1)
  })

  test('when the database is away for too long the sender gets an error', async () => {
    const { record } = await open({
      patienceMs: 50,
      database: {
        ...database,
        query: (text, ...rest) =>
          text.includes('new_events')
            ? Promise.reject(new AppError('database_unavailable'))
            : database.query(text, ...rest),
      },
    })
    await expect(record(draft())).rejects.toMatchObject({ code: 'database_unavailable' })
  })
})

describe('deciding', () => {
  test('a delivery gets as many attempts as its schedule has times, and the first', async () => {
    await addEndpoint()
    await (await open()).record(draft())
    const { rows } = await database.query('select max_attempts from signalbox.deliveries')
    expect(rows).toEqual([{ max_attempts: 10 }])
  })

  const decided = async (given: Partial<Draft>, options: Partial<PipelineOptions> = {}): Promise<Recorded> =>
    (await open(options)).record(draft(given))

  test('an event nobody asked for is ignored, with what kept the nearest rule', async () => {
    const rules = [{ ...review, when: { branch: 'release' } }]
    expect(await decided({}, { rules })).toMatchObject({
      status: 'ignored',
      reason: expect.stringContaining('the branch is main, wanted release'),
    })
    expect(await decided({ type: 'ping' })).toMatchObject({
      status: 'ignored',
      reason: expect.stringContaining('ping'),
    })
  })

  test('internal events may cause internal events three deep, and then no more', async () => {
    expect(await decided({ depth: 3 })).toMatchObject({ status: 'routed' })
    expect(await decided({ depth: 4 })).toMatchObject({ status: 'ignored', reason: expect.stringContaining('loop') })
  })

  test('rules and endpoints read the same globs: everything but pushes', async () => {
    await addEndpoint(['*', '!push'])
    const rules: Rule[] = [{ ...review, on: ['*', '!push'], who: 'anyone' }]
    expect(await decided({ type: 'push' }, { rules })).toMatchObject({ status: 'ignored', jobIds: [] })
    expect(await count('deliveries')).toBe(0)
    const other = await decided({ type: 'issues.opened' }, { rules })
    expect([other.jobIds.length, await count('deliveries')]).toEqual([1, 1])
  })

  test('every decision can be explained, by the endpoints as they are now', async () => {
    const pipeline = await open()
    const { id } = await pipeline.record(draft())
    await addEndpoint(['issues.*'])
    const event = await getEvent(database, id)
    if (event === null) throw new Error('it was not recorded')
    expect(await pipeline.explain(event)).toMatchObject({
      event: { id, type: 'push', status: 'routed', reason: null },
      rules: [{ rule: 'review', matched: true, sentence: '"review" matches: the type is push.' }],
      endpoints: [
        { endpoint: 'hook', matched: false, sentence: 'Not notified: it wants "issues.*", and this is "push".' },
      ],
    })
  })
})

describe('a test', () => {
  test('is one delivery with one attempt to its endpoint, whatever that and the rules want', async () => {
    const id = await addEndpoint(['issues.*'])
    await addEndpoint(['*'])
    const recorded = await (await open()).record(draft({ source: 'test', deliverTo: id }))
    expect(recorded).toMatchObject({ status: 'routed', jobIds: [] })
    const { rows } = await database.query('select endpoint_id, max_attempts, group_key from signalbox.deliveries')
    expect(rows).toEqual([{ endpoint_id: id, max_attempts: 1, group_key: null }])
  })

  test('of an endpoint that was deleted meanwhile makes nothing', async () => {
    const recorded = await (await open()).record(draft({ source: 'test', deliverTo: newId() }))
    expect(recorded).toMatchObject({ status: 'ignored', reason: 'its endpoint was deleted' })
    expect(await count('deliveries')).toBe(0)
  })

  test('waits for no deployment of the same app and environment', async () => {
    const id = await addEndpoint(['*'])
    const facts = { app: 'bot', environment: 'production', project: 'p' }
    await (await open()).record(draft({ source: 'test', deliverTo: id, facts }))
    expect((await database.query('select group_key from signalbox.deliveries')).rows).toEqual([{ group_key: null }])
  })
})

describe('an event that no rule or endpoint is asked about', () => {
  test.each<[string, Partial<Draft>, string]>([
    ['a refused one', { rejected: 'signature_invalid: no', body: null }, 'Not asked: the request was refused.'],
    ['a manual trigger', { source: 'manual' }, 'Not asked: a manual trigger names its job.'],
    ['a test', { source: 'test' }, 'Not asked: a test names its endpoint.'],
    [
      'one of a loop',
      { depth: 4 },
      'Not asked: it is 4 internal events away from one from outside; more than 3 would be a loop.',
    ],
  ])('%s is explained so', async (_, change, sentence) => {
    await addEndpoint(['*'])
    const pipeline = await open()
    const { id } = await pipeline.record(draft(change))
    const event = await getEvent(database, id)
    if (event === null) throw new Error('it was not recorded')
    const { rules, endpoints } = await pipeline.explain(event)
    for (const verdict of [...rules, ...endpoints]) expect(verdict).toMatchObject({ matched: false, sentence })
    expect([rules.length, endpoints.length]).toEqual([1, 1])
  })
})

describe('endpoints that change while events are recorded', () => {
  test('an event decided by an old copy of the endpoints is decided anew before anything is written', async () => {
    const { record } = await open()
    await addEndpoint()
    await record(draft())
    expect([await count('events'), await count('jobs'), await count('deliveries')]).toEqual([1, 1, 1])
  })

  test('inside a transaction they are read again through it: it does not wait for a second connection', async () => {
    const narrow = await openTestDatabase({ max: 1 })
    const pipeline = await open({ database: narrow })
    await narrow.query(
      `insert into signalbox.endpoints (id, name, url, secrets, events, origin)
       values ($1, 'a', 'https://example.com', '[]', array['*'], 'api')`,
      [newId()],
    )
    const recorded = await narrow.transaction((tx) => pipeline.recordIn(tx, [draft()]))
    expect(recorded).toMatchObject([{ status: 'routed' }])
    await narrow.close()
  })

  test('endpoints that never come to rest end in a refusal, not in an endless loop', async () => {
    const restless: Database = {
      ...database,
      query: async (text, values, name) => {
        if (text.includes('new_events'))
          await database.query('update signalbox.routing_version set version = version + 1')
        return database.query(text, values, name)
      },
    }
    await expect((await open({ database: restless, patienceMs: 50 })).record(draft())).rejects.toMatchObject({
      code: 'database_unavailable',
    })
    expect(await count('events')).toBe(0)
  })
})

describe('a reaction', () => {
  function reaction(run: (tx: Sql, event: NewEvent) => Promise<void>): Reaction {
    return { on: ({ type }) => type === 'release.published', run: (tx, event) => run(tx, event).then(() => []) }
  }
  const release = (change: Partial<Draft> = {}) => draft({ type: 'release.published', ...change })

  test('commits with its event, and runs for a new one only', async () => {
    const ran: string[] = []
    const reactions = [
      reaction(async (tx, { id, status }) => {
        ran.push(`${id} ${status}`)
        await tx.query(`update signalbox.events set actor = 'reaction' where id = $1`, [id])
      }),
    ]
    const { record } = await open({ reactions })
    const first = await record(release({ deliveryId: 'once' }))
    await record(release({ deliveryId: 'once' }))
    expect(ran).toEqual([`${first.id} ignored`])
    expect((await getEvent(database, first.id))?.actor).toBe('reaction')
  })

  test('that fails takes its event with it, and not the others of its batch', async () => {
    const reactions = [reaction(() => Promise.reject(new Error('no')))]
    const { record } = await open({ reactions })
    const results = await Promise.allSettled([draft(), release(), draft()].map(record))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await count('events')).toBe(2)
  })

  test('costs a transaction only where there is something to do', async () => {
    const watched = counted()
    const { record } = await open({ database: watched.database, reactions: [reaction(async () => {})] })
    await record(draft())
    expect(watched.transactions()).toBe(0)
    await record(release())
    expect(watched.transactions()).toBe(1)
  })

  test("runs in the caller's transaction, too", async () => {
    const seen: string[] = []
    const pipeline = await open({ reactions: [reaction(async (_, { type }) => void seen.push(type))] })
    await database.transaction((tx) => pipeline.recordIn(tx, [draft(), release()]))
    expect(seen).toEqual(['release.published'])
  })
})

describe('what an event says', () => {
  /** What agents, the API and SQL are shown of one event. */
  async function payloadOf(id: string): Promise<{ read: unknown; sql: unknown }> {
    const event = await getEvent(database, id)
    const { rows } = await database.query<{ payload: unknown }>('select payload from webhook_events where id = $1', [
      id,
    ])
    return { read: event && eventPayload(event), sql: rows[0]?.payload }
  }

  test('is its body, of which no copy is stored', async () => {
    const body = Buffer.from(JSON.stringify(PUSH))
    const { id } = await send(await open(), 'github', body, githubHeaders(body, keys))
    expect(await payloadOf(id)).toEqual({ read: PUSH, sql: PUSH })
    const { rows } = await database.query('select payload from signalbox.events')
    expect(rows).toEqual([{ payload: null }])
  })

  test('is the JSON in a form', async () => {
    const payload = { ...PUSH, note: 'ü + % & = "quoted" \n 日本' }
    const body = Buffer.from(`payload=${encodeURIComponent(JSON.stringify(payload)).replaceAll('%20', '+')}`)
    const headers = githubHeaders(body, keys, { 'content-type': 'application/x-www-form-urlencoded' })
    const { id } = await send(await open(), 'github', body, headers)
    expect(await payloadOf(id)).toEqual({ read: payload, sql: payload })
  })

  test('is the translation of what Agenta sends today, while the bytes stay as they came', async () => {
    const body = Buffer.from(JSON.stringify(AGENTA_DEPLOYMENT))
    const { id } = await send(await open({ clock: fakeClock() }), 'agenta', body, agentaHeaders(body, keys))
    const { read, sql } = await payloadOf(id)
    expect(read).toMatchObject({ event: 'environment.deployed', data: { app_name: 'customer-support-bot' } })
    expect(sql).toEqual(read)
    expect((await getEvent(database, id))?.body).toEqual(body)
  })

  test('does not change when the code of its source does', async () => {
    const translating = (version: number): Source => ({
      name: 'shop',
      secrets: [keys.secret],
      keptHeaders: [],
      open: () => null,
      verify: () => {},
      normalise: () => ({
        type: 'order',
        deliveryId: 'd1',
        subject: null,
        actor: null,
        facts: {},
        payload: { version },
      }),
    })
    const body = Buffer.from('<order/>')
    const { id } = await send(await open({ sources: sources(translating(1)) }), 'shop', body, [])
    expect(await payloadOf(id)).toEqual({ read: { version: 1 }, sql: { version: 1 } })
    const repeated = await send(await open({ sources: sources(translating(2)) }), 'shop', body, [])
    expect(repeated).toMatchObject({ id, duplicate: true })
    expect(await payloadOf(id)).toEqual({ read: { version: 1 }, sql: { version: 1 } })
  })

  test('is kept to the character where PostgreSQL has none for it; SQL then shows null', async () => {
    const payload = { nul: 'a\0b', lone: '\ud800', backslash: '\\u0000' }
    const event = draft({ payload })
    await (await open()).record(event)
    expect(await payloadOf(event.id)).toEqual({ read: payload, sql: null })
  })

  test('is changed where it is only shown: subject and facts get U+FFFD', async () => {
    const body = Buffer.from('{"label":"a\\u0000b\\ud800"}')
    const event = draft({ subject: 'a\0b', facts: { label: 'a\0b\ud800' }, body })
    await (await open()).record(event)
    const stored = await getEvent(database, event.id)
    expect(stored).toMatchObject({ subject: 'a\ufffdb', facts: { label: 'a\ufffdb\ufffd' }, body })
    expect((await payloadOf(event.id)).sql).toBeNull()
  })

  test('is nothing for an empty manual trigger and for a refused request', async () => {
    const pipeline = await open({ agents: new Map([['ping', ping]]) })
    const { id } = await pipeline.trigger(Buffer.alloc(0), new Headers(), '127.0.0.1')
    expect(await payloadOf(id)).toEqual({ read: undefined, sql: null })
    await pipeline.refuse('github', new AppError('signature_invalid'), new Headers({ 'x-github-event': 'push' }), '::1')
    const { rows } = await database.query<{ id: string }>(`select id from signalbox.events where status = 'rejected'`)
    expect(await payloadOf(rows[0]?.id ?? '')).toEqual({ read: undefined, sql: null })
  })
})

describe('receiving', () => {
  test('a request is admitted by its headers alone, or refused with the reason', async () => {
    const pipeline = await open({ sources: sourcesFrom({ githubSecrets: [keys.secret], agentaSecrets: [] }) })
    const refusal = (name: string, headers: HeaderList) => {
      try {
        pipeline.admit(name, new Headers(headers))
      } catch (error) {
        return (error as AppError).code
      }
      return 'admitted'
    }
    const body = Buffer.from('{}')
    expect(refusal('github', githubHeaders(body, keys))).toBe('admitted')
    expect(refusal('github', githubHeaders(body, keys, { 'x-github-event': undefined }))).toBe('header_missing')
    expect(refusal('gitlab', [])).toBe('source_unknown')
    expect(refusal('agenta', agentaHeaders(body, keys))).toBe('source_closed')
  })

  test('a forged request is not recorded', async () => {
    const body = Buffer.from(JSON.stringify(PUSH))
    const forged = githubHeaders(body, { ...keys, secret: 'not-the-secret' })
    await expect(send(await open(), 'github', body, forged)).rejects.toMatchObject({ code: 'signature_invalid' })
    expect(await count('events')).toBe(0)
  })

  test('refused requests are kept a hundred at once, and then one a second', async () => {
    const clock = fakeClock()
    const pipeline = await open({ clock })
    const refuse = () => pipeline.refuse('github', new AppError('header_missing'), new Headers(), '::1')
    for (let i = 0; i < 150; i++) await refuse()
    expect(await count('events')).toBe(100)
    clock.advance(2000)
    for (let i = 0; i < 5; i++) await refuse()
    expect(await count('events')).toBe(102)
    await pipeline.refuse('nobody', new AppError('source_unknown'), new Headers(), '::1')
    expect(await count('events')).toBe(102)
  })

  test('refused requests for unknown names, or for one source, leave space for those of another', async () => {
    const pipeline = await open({ clock: fakeClock() })
    const refuse = (name: string) => pipeline.refuse(name, new AppError('header_missing'), new Headers(), '::1')
    for (let i = 0; i < 150; i++) await refuse(`nobody-${i}`)
    for (let i = 0; i < 150; i++) await refuse('agenta')
    await refuse('github')
    const { rows } = await database.query(
      'select source, count(*)::int as n from signalbox.events group by 1 order by 1',
    )
    expect(rows).toEqual([
      { source: 'agenta', n: 100 },
      { source: 'github', n: 1 },
    ])
  })

  test('of refused requests the newest ten thousand are kept', async () => {
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, reason)
       select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'github', n::text, 'x', 'rejected', 'why'
       from generate_series(1, 10500) n`,
    )
    const pipeline = await open({ clock: fakeClock() })
    await pipeline.refuse('github', new AppError('header_missing'), new Headers(), '::1')
    expect(await count('events')).toBe(10_000)
  })

  test('a manual trigger makes the job it names, whatever the rules say of its event', async () => {
    const pipeline = await open({ agents: new Map([['ping', ping]]) })
    const headers = new Headers({ 'content-type': 'application/json' })
    const trigger = (body: object) => pipeline.trigger(Buffer.from(JSON.stringify(body)), headers, '::1')
    const { jobIds } = await trigger({ job_type: 'reviewer', payload: { a: 1 } })
    const { rows } = await database.query('select id, agent, rule, input from signalbox.jobs')
    expect(rows).toEqual([{ id: jobIds[0], agent: 'reviewer', rule: 'manual', input: { a: 1 } }])
    await expect(trigger({ job_type: 'nobody' })).rejects.toMatchObject({ code: 'job_type_unknown' })
  })

  test("a manual trigger's job has the policy of the rule of its type", async () => {
    const policy = { repositories: ['acme/shop'], outputs: { comment: { max: 2 } } }
    const pipeline = await open({ rules: [{ ...review, ...policy }], agents: new Map([['ping', ping]]) })
    const headers = new Headers({ 'content-type': 'application/json' })
    for (const type of ['reviewer', 'ping']) {
      await pipeline.trigger(Buffer.from(JSON.stringify({ job_type: type })), headers, '::1')
    }
    const { rows } = await database.query('select type, policy from signalbox.jobs order by type')
    expect(rows).toEqual([
      { type: 'ping', policy: { repositories: [] } },
      { type: 'reviewer', policy },
    ])
  })
})
