import pg from 'pg'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database, Sql } from '../db/database.ts'
import { lockNames } from '../endpoints/change.ts'
import { systemClock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { silentLog } from '../lib/log.ts'
import type { Draft, Recorded } from './event.ts'
import type { Outbox } from './outbox.ts'
import { openOutbox } from './outbox.ts'

const databases: Database[] = []
let database: Database
let recorded: string[]
let woken: number
beforeEach(async () => {
  database = await openTestDatabase()
  databases.push(database)
  recorded = []
  woken = 0
})
afterAll(async () => {
  for (const each of databases) await each.close()
})

function bodyOf({ body, rejected }: Draft): string {
  return `${Buffer.from(body ?? []).toString()}${rejected === undefined ? '' : ` rejected: ${rejected}`}`
}

/** A taker whose events go into a list once they are committed; `fail` may throw for one. */
function open(fail: (draft: Draft) => void = () => {}): Outbox {
  return openOutbox({
    database: {
      ...database,
      async transaction(run) {
        const before = recorded.length
        try {
          return await database.transaction(run)
        } catch (error) {
          recorded.length = before
          throw error
        }
      },
    },
    clock: systemClock,
    log: silentLog,
    tickMs: 60_000,
    typeProblem: () => null,
    isDeployment: () => false,
    async recordIn(tx: Sql, drafts) {
      for (const draft of drafts) {
        if (draft.rejected === undefined) fail(draft)
        if (bodyOf(draft) === '"divide"') await tx.query('select 1 / 0')
        recorded.push(bodyOf(draft))
      }
      return drafts.map(({ id }): Recorded => ({ id, duplicate: false, status: 'routed', reason: null, jobIds: [] }))
    },
    recordDeployment: async () => {},
    onWork: () => woken++,
  })
}

async function emit(...payloads: unknown[]): Promise<void> {
  for (const each of payloads) await database.query('select signalbox.emit($1, $2)', ['a.b', JSON.stringify(each)])
}

test('events are recorded while an endpoint is being created', async () => {
  await emit(1)
  await database.transaction(async (tx) => {
    await lockNames(tx)
    expect(await open().tick()).toBe(1)
  })
})

test('an event that always fails is rejected by itself, and all others are recorded in their order', async () => {
  const numbers = Array.from({ length: 150 }, (_, n) => n)
  await emit(...numbers.slice(0, 50), 'bug', 'divide', ...numbers.slice(50))
  const outbox = open((draft) => {
    if (bodyOf(draft) === '"bug"') throw new TypeError('Cannot read properties of undefined')
  })
  expect(await outbox.tick()).toBe(152)
  expect(recorded).toEqual([
    ...numbers.slice(0, 50).map(String),
    expect.stringMatching(/^"bug" rejected: Cannot read properties of undefined \(it was emitted as "a\.b"\)$/),
    expect.stringMatching(/^"divide" rejected: division by zero /),
    ...numbers.slice(50).map(String),
  ])
})

test('while the database is away everything stays, and is taken afterwards', async () => {
  await emit(1, 2)
  let isAway = true
  const outbox = open(() => {
    if (isAway) throw new AppError('database_unavailable')
  })
  await expect(outbox.tick()).rejects.toMatchObject({ code: 'database_unavailable' })
  expect({ recorded, woken }).toEqual({ recorded: [], woken: 0 })
  isAway = false
  expect(await outbox.tick()).toBe(2)
  expect({ recorded, woken }).toEqual({ recorded: ['1', '2'], woken: 1 })
})

test('nothing is taken while another process takes, and a row that somebody locked waits', async () => {
  await emit(1, 2)
  await database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock(7420003, 0)')
    expect(await open().tick()).toBe(0)
  })
  await database.transaction(async (tx) => {
    await tx.query('select from signalbox.outbox order by position limit 1 for update')
    expect(await open().tick()).toBe(1)
  })
  expect(await open().tick()).toBe(1)
  expect(recorded).toEqual(['2', '1'])
})

test('a batch has few bytes, and the work of each batch is notified', async () => {
  const large = 'x'.repeat(1_900_000)
  await emit(large, large, large, large)
  expect(await open().tick()).toBe(4)
  // The third begins within 4 MB.
  expect({ recorded: recorded.length, woken }).toEqual({ recorded: 4, woken: 2 })
})

test('who emits notifies, except while a row waits, because its taker looks again', async () => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  let heard = 0
  client.on('notification', () => heard++)
  await client.query('listen signalbox')
  await emit(1, 2, 3)
  await client.query('select 1')
  expect(heard).toBe(1)
  await open().tick()
  await emit(4)
  await client.query('select 1')
  expect(heard).toBe(2)
  await client.end()
})
