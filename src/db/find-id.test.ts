import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { shortId } from '../lib/short-id.ts'
import type { Database } from './database.ts'
import { findId } from './find-id.ts'

// Two of the same millisecond, whose beginnings are the same for thirteen characters.
const FIRST = '0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10'
const SECOND = '0199f0a2-7c1e-7d3b-8f00-aaaa11112222'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
  for (const id of [FIRST, SECOND]) {
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 's', $2, 't', 'routed')`,
      [id, id],
    )
  }
})
afterAll(() => database.close())

test.each([
  FIRST,
  shortId(FIRST),
  '6c9e4a10',
  '9e4a10',
  '9E4A10',
  '0199f0a2-7c1e-7d3a',
  '0199f0a27c1e7d3a',
  '8f00-5b2d6c9e4a10',
])('%s means the row that alone begins or ends so', async (given) => {
  expect(await findId(database, 'events', given)).toBe(FIRST)
})

test.each(['e4a10', 'ffffff', 'nothing', '', '%%%%%%', '-------', `${FIRST}0`, `deploy_${FIRST}`])(
  '%j, which no row has or which is too short, stays as it is',
  async (given) => {
    expect(await findId(database, 'events', given)).toBe(given)
  },
)

test('what several rows have is refused with their ids', async () => {
  await expect(findId(database, 'events', '0199f0a2-7c')).rejects.toMatchObject({
    code: 'input_invalid',
    detail: `id: "0199f0a2-7c" is part of several ids of events; give more of one: ${FIRST}, ${SECOND}`,
  })
})

test.each(['events', 'jobs', 'deployments', 'endpoints', 'deliveries'] as const)(
  '%s are looked through',
  async (table) => {
    expect(await findId(database, table, '123456')).toBe('123456')
  },
)
