// The doctor on what the database takes.
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { openTestDatabase } from '../../../test/database.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { newId } from '../../lib/id.ts'
import { growthCheck, storageChecks } from './storage.ts'

test('the size is shown by what it is for, and what was deleted', async () => {
  await using stack = new AsyncDisposableStack()
  const database = await openTestDatabase()
  stack.defer(() => database.close())
  const check = async (env: Record<string, string> = {}) =>
    storageChecks(database, readEnvironment({ DATABASE_URL: database.url, ...env }))
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, reason, body) values ($1, 's', 'd', 't', 'ignored', 'r', $2)`,
    // A server that has lz4 compresses what repeats.
    [newId(), randomBytes(3_000_000)],
  )
  expect(await check()).toEqual([
    expect.objectContaining({
      status: 'ok',
      detail: expect.stringMatching(/^\d+\.\d MB: .*\bbodies \d.*\bjobs \d+ kB/),
    }),
    expect.objectContaining({ status: 'ok', detail: 'nothing was looked for yet; 0 rows deleted so far (0 B)' }),
  ])
  await database.query(
    `insert into signalbox.retention (kind, removed, bytes, finished_at)
     select unnest('{bodies,logs,attempts,deliveries,jobs,refused,events,findings}'::text[]), 2, 1500, now() - interval '5 minutes'`,
  )
  expect((await check())[1]?.detail).toBe('looked 5m ago; 16 rows deleted so far (12.0 kB)')
  expect((await check({ RETENTION_DAYS: '0', RETENTION_BODIES_DAYS: '0' }))[1]?.detail).toBe(
    'everything is kept for ever',
  )
})

test.each([
  [50e9, null, 'ok', '50.0 GB free'],
  [50e9, 1e9, 'ok', '50.0 GB free; at about 1.0 GB a day it is full in 50 days, if nothing is deleted'],
  [50e9, 5e9, 'warning', '50.0 GB free; at about 5.0 GB a day it is full in 10 days, if nothing is deleted'],
  [1.5e9, null, 'warning', '1.5 GB free'],
  [100e6, null, 'problem', '100 MB free'],
] as const)('a disk with %d bytes that takes %d a day: %s', (free, perDay, status, detail) => {
  expect(growthCheck(free, perDay)).toMatchObject({ status, detail })
})
