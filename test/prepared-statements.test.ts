// Statements are prepared whenever the connection is known to be direct, not only at the start.
import { expect, test, vi } from 'vitest'
import { openPooler } from '../src/db/fixtures/pooler.ts'
import { openTestDatabase } from './database.ts'
import { openTestSignalbox } from './signalbox.ts'

test('a service prepares statements again when notifications arrive again', async () => {
  const database = await openTestDatabase()
  const pooler = await openPooler(database.url, false)
  const prepareStatements = vi.fn(database.prepareStatements)
  const signalbox = await openTestSignalbox({ database: { ...database, prepareStatements, url: pooler.url } })
  expect(prepareStatements.mock.calls).toEqual([[true]])
  pooler.cut()
  await vi.waitFor(() => expect(prepareStatements.mock.calls).toEqual([[true], [false], [true]]), { timeout: 10_000 })
  await signalbox.close()
  await database.close()
})
