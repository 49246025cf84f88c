// A feed that is followed, without a server.
import { expect, test } from 'vitest'
import { openTestDatabase } from '../../../test/database.ts'
import type { Database } from '../../db/database.ts'
import { feedAnswer } from './feed.ts'

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
