// Packed bodies are the same bytes for whoever reads them.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLoader } from '../deliveries/load.ts'
import { openSeal } from '../endpoints/seal.ts'
import { readFeed, readFullFeed } from '../events/feed.ts'
import { getEvent, listEvents, showEvent } from '../events/query.ts'
import { openEventReader } from '../events/reader.ts'
import type { Stage } from './fixtures/stage.ts'
import { openStage } from './fixtures/stage.ts'
import { needsPacking, pack } from './pack.ts'

const DAYS_PER_MINUTE = 1 / 1440
const LONG = Buffer.from(JSON.stringify({ text: 'always the same '.repeat(1000) }))

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  // As on a server without lz4.
  await stage.query('alter table signalbox.events alter column body set storage external')
})
afterAll(() => stage?.database.close())

function columns(id: string) {
  return stage.query<{ body: Buffer | null; packed: Buffer | null; stored: number }>(
    'select body, packed, coalesce(pg_column_size(packed), pg_column_size(body)) as stored from signalbox.events where id = $1',
    [id],
  )
}

test('bodies that are an hour old are packed once, the others stay as they are', async () => {
  const old = await stage.event({ days: 61 * DAYS_PER_MINUTE, body: LONG })
  const young = await stage.event({ days: 59 * DAYS_PER_MINUTE, body: LONG })
  const short = await stage.event({ days: 2, body: Buffer.from('{"a":1}') })
  const none = await stage.event({ days: 2, body: null, status: 'rejected' })
  expect(await needsPacking(stage.database)).toBe(true)
  expect(await pack(stage.walking)).toMatchObject({ rows: 1, bytes: LONG.length, end: 'done' })
  const [packed] = await columns(old)
  expect(packed).toMatchObject({ body: null, packed: LONG })
  expect(packed?.stored).toBeLessThan(LONG.length / 10)
  for (const id of [young, short, none]) expect((await columns(id))[0]?.packed).toBeNull()
  expect(await pack(stage.walking)).toMatchObject({ rows: 0 })
  stage.clock.advance(2 * 60_000)
  expect(await pack({ ...stage.walking, at: stage.clock.now() })).toMatchObject({ rows: 1 })
})

test('what cannot be compressed is packed as it is', async () => {
  const body = randomBytes(20_000)
  const id = await stage.event({ days: 1, body })
  // Behind the place that packing has reached, as an event of a clock that was late.
  await stage.query(`delete from signalbox.retention`)
  await pack(stage.walking)
  expect((await columns(id))[0]).toMatchObject({ body: null, packed: body })
})

test('every reader gets the bytes of a packed body as they came', async () => {
  const body = Buffer.from(JSON.stringify({ action: 'opened', escaped: '\\u0000', text: 'é'.repeat(5000) }))
  const id = await stage.event({ days: 1, body })
  const [endpoint] = await stage.query<{ id: string }>('select id from signalbox.endpoints')
  const delivery = await stage.delivery({ event: id, days: 1, status: 'pending' })
  const read = async () => ({
    one: (await getEvent(stage.database, id))?.body,
    shown: (await showEvent(stage.database, id))?.payload,
    listed: (await listEvents(stage.database)).items.find((event) => event.id === id)?.body_bytes,
    forJobs: (await openEventReader(stage.database)(id))?.body,
    delivered: await openLoader(stage.database, { seal: openSeal([]), clock: stage.clock })(
      delivery,
      (it) => it?.event.body,
    ),
    fed: (await readFullFeed(stage.database, { after: '0', limit: 100 })).items.find((event) => event.id === id)?.body,
    summed: (await readFeed(stage.database, { after: '0', limit: 100 })).items.find((event) => event.id === id)
      ?.body_bytes,
    view: await stage.query(`select payload->>'action' as action from webhook_events where id = $1`, [id]),
  })
  expect(endpoint).toBeDefined()
  const before = await read()
  expect(before).toMatchObject({
    one: body,
    forJobs: body,
    delivered: body,
    fed: body,
    listed: body.length,
    summed: body.length,
  })
  await stage.query(`delete from signalbox.retention`)
  await pack(stage.walking)
  expect((await columns(id))[0]?.body).toBeNull()
  expect(await read()).toEqual(before)
})

test('a body of megabytes is packed in a batch of its own', async () => {
  const sizes = [3_000_000, 9_000_000, 3_000_000, 500_000, 500_000]
  for (const [n, size] of sizes.entries()) await stage.event({ days: 0.5 - n / 1000, body: Buffer.alloc(size, 'x') })
  await stage.query(`delete from signalbox.retention`)
  const batches: number[] = []
  let before = 0
  await pack({
    ...stage.walking,
    onBatch: ({ bytes }) => {
      if (bytes > before) batches.push(bytes - before)
      before = bytes
    },
  })
  expect(batches).toEqual([3e6, 9e6, 3e6, 1e6])
})
