import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { dropOldRefusals } from './refusals.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

test('the newest refused requests stay, and everything that was not refused', async () => {
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, reason)
     select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'github', n::text, 'x',
       case when n % 2 = 0 then 'rejected' else 'ignored' end, 'why'
     from generate_series(1, 20) n`,
  )
  const rejected = async () => {
    const { rows } = await database.query<{ deliveryId: string }>(
      `select delivery_id as "deliveryId" from signalbox.events where status = 'rejected' order by id`,
    )
    return rows.map(({ deliveryId }) => deliveryId)
  }
  await dropOldRefusals(database, 10)
  expect(await rejected()).toHaveLength(10)
  await dropOldRefusals(database, 3)
  expect(await rejected()).toEqual(['16', '18', '20'])
  const { rows } = await database.query(`select 1 from signalbox.events where status = 'ignored'`)
  expect(rows).toHaveLength(10)
})
