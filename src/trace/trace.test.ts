import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { newId } from '../lib/id.ts'
import { readAbout } from './about.ts'
import { eventsAbout } from './about-events.ts'
import { traceOf } from './trace.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())
beforeEach(() => database.query('truncate signalbox.events, signalbox.jobs cascade'))

async function addEvent({ id = newId(), cause = null as string | null, subject = null as string | null } = {}) {
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, reason, subject, cause_job_id)
     values ($1::uuid, 'github', $1::text, 'push', 'ignored', 'x', $2, $3)`,
    [id, subject, cause],
  )
  return id
}

async function addJob(eventId: string, id: string = newId()) {
  await database.query(
    `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms)
     values ($1, $2, 'r', 't', 'a', '{}', 5, 5, 1000)`,
    [id, eventId],
  )
  return id
}

function trace(id: string) {
  return traceOf(database, id, ['github'])
}

describe('a trace', () => {
  test('shows so many of what followed, how many more there are, and always what was asked for', async () => {
    const root = await addEvent()
    const job = await addJob(root)
    const events: string[] = []
    for (let n = 0; n < 25; n++) events.push(await addEvent({ cause: job }))
    const found = await trace(root)
    expect(found.nodes).toHaveLength(22)
    expect(found.nodes.find(({ id }) => id === job)?.more).toBe(5)
    expect(found.cut).toBe(true)
    const last = await trace(events.at(-1) ?? '')
    expect(last.nodes.filter(({ asked }) => asked)).toMatchObject([{ id: events.at(-1), parent: job }])
    expect(last.nodes.find(({ id }) => id === job)?.more).toBe(4)
  })

  test('has no more nodes than are readable, those near the root first', async () => {
    const root = await addEvent()
    for (let n = 0; n < 20; n++) await addJob(root)
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, reason, cause_job_id)
       select gen_random_uuid(), 'github', id || '-' || n, 'push', 'ignored', 'x', id
       from signalbox.jobs, generate_series(1, 20) n`,
    )
    const { nodes, cut } = await trace(root)
    expect([nodes.length, cut]).toEqual([300, true])
    expect(nodes.filter(({ kind }) => kind === 'job')).toHaveLength(20)
    expect(nodes.reduce((sum, { more }) => sum + more, 0)).toBe(421 - 300)
  })

  test('of a circle ends', async () => {
    const [event, job] = [newId(), newId()]
    await addEvent({ id: event, cause: job })
    await addJob(event, job)
    for (const id of [event, job]) expect((await trace(id)).nodes).toHaveLength(2)
  })

  test('of a chain deeper than is followed ends as well', async () => {
    let event = await addEvent()
    const first = event
    for (let n = 0; n < 40; n++) event = await addEvent({ cause: await addJob(event) })
    expect((await trace(first)).nodes.length).toBeLessThan(60)
    expect((await trace(event)).nodes.some(({ id, asked }) => id === event && asked)).toBe(true)
  })

  test('of a part that several have names them', async () => {
    const [event, job] = ['0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10', '0199f0a2-7c1e-8d3a-8f00-5b2d6c9e4a11']
    await addJob(await addEvent({ id: event }), job)
    await expect(trace('0199f0a2')).rejects.toMatchObject({
      code: 'input_invalid',
      detail: expect.stringContaining(`the event ${event}, the job ${job}`),
    })
  })
})

test.each([
  ['acme/shop#12', ['acme/shop#12'], null],
  ['https://github.com/acme/shop/pull/12/files#diff-1', ['acme/shop#12'], null],
  ['https://github.example.com/acme/shop/issues/7#issuecomment-1', ['acme/shop#7'], null],
  ['https://github.com/acme/shop/tree/feature/a%20b', ['acme/shop@feature/a b'], null],
  ['https://github.com/acme/shop/releases/tag/v1.2', ['acme/shop@v1.2'], null],
  ['https://github.com/acme/shop.git', ['acme/shop'], null],
  ['bot/production', ['bot/production', 'bot@production'], null],
  ['bot@production', ['bot@production'], null],
  ['acme/shop@main', ['acme/shop@main'], null],
  ['0123abc', ['0123abc'], '0123abc'],
  [`https://github.com/acme/shop/commit/${'a1'.repeat(20)}`, [`acme/shop@${'a1'.repeat(6)}`], 'a1'.repeat(20)],
  [`acme/shop@${'a1'.repeat(20)}`, [`acme/shop@${'a1'.repeat(20)}`, `acme/shop@${'a1'.repeat(6)}`], 'a1'.repeat(20)],
])('%s is about %j', (text, subjects, sha) => {
  expect(readAbout(text)).toMatchObject({ subjects, sha })
})

test.each(['', '#12', 'https://github.com/', 'https://github.com/acme/shop/wiki', 'x'.repeat(501)])(
  '%j names nothing',
  (text) => {
    expect(() => readAbout(text)).toThrow(/^about: /)
  },
)

test('a repository is the same in capitals and small letters', async () => {
  const ids = [await addEvent({ subject: 'Acme/Shop#12' }), await addEvent({ subject: 'acme/shop#12' })]
  await addEvent({ subject: 'acme/shop#123' })
  for (const text of ['acme/shop#12', 'ACME/Shop#12', 'https://github.com/Acme/SHOP/pull/12']) {
    expect(await eventsAbout(database, readAbout(text), { limit: 5 })).toEqual(ids.toReversed())
  }
})
