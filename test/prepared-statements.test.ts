// Statements are prepared whenever the connection is known to be direct, not only at the start.
import { expect, test, vi } from 'vitest'
import { openPooler } from '../src/db/fixtures/pooler.ts'
import { openTestDatabase } from './database.ts'
import { openTestSignalbox } from './signalbox.ts'

test('a service prepares statements again when notifications arrive again', async () => {
  const database = await openTestDatabase()
  const pooler = await openPooler(database.url, false)
  const ownSessions = vi.fn(database.ownSessions)
  const signalbox = await openTestSignalbox({ database: { ...database, ownSessions, url: pooler.url } })
  expect(ownSessions.mock.calls).toEqual([[true]])
  pooler.cut()
  await expect.poll(() => ownSessions.mock.calls).toEqual([[true], [false], [true]])
  await signalbox.close()
  await database.close()
})
