import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { draft } from '../../test/drafts.ts'
import type { Database } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { insertEvents } from './insert.ts'
import { getEvent, listEvents } from './query.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
  for (const type of ['push', 'issues.opened', 'issues.labeled']) {
    const event = { ...draft({ type }), status: 'ignored', reason: 'no rule', jobs: [], deliveries: [] } as const
    await insertEvents(database, systemClock, [{ ...event, jobs: [], deliveries: [] }], 1)
  }
})
afterAll(() => database.close())

async function types(filter: Parameters<typeof listEvents>[1]) {
  return (await listEvents(database, filter)).items.map((event) => event.type)
}

test('events are listed newest first, by filters, and page by page', async () => {
  expect(await types({})).toEqual(['issues.labeled', 'issues.opened', 'push'])
  const first = await listEvents(database, { type: 'issues.*', limit: 1 })
  expect(first.items.map((event) => event.type)).toEqual(['issues.labeled'])
  const second = await listEvents(database, { type: 'issues.*', limit: 1, cursor: first.next ?? '' })
  expect(second.items.map((event) => event.type)).toEqual(['issues.opened'])
  expect(second.next).toBeNull()
  expect(await types({ type: 'issues_*' })).toEqual([])
  await expect(listEvents(database, { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'input_invalid' })
})

test('an id that is not one is nothing, and not an error of the database', async () => {
  expect(await getEvent(database, 'nonsense')).toBeNull()
})
