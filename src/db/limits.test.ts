// What takes too long is ended by the server itself, so that nothing goes on there which has been
// given up here; and a session that others may share keeps nothing of it.
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { silentLog as log } from '../lib/log.ts'
import type { Database } from './database.ts'
import { openPooler } from './fixtures/pooler.ts'
import type { PoolOptions } from './postgres.ts'
import { openDatabase } from './postgres.ts'

const tooLong = { code: 'database_unavailable', detail: 'The database took too long to answer.' }

let admin: Database
beforeAll(async () => {
  admin = await openTestDatabase({ migrated: false })
  await admin.query('create table things (n int)')
})
beforeEach(() => admin.query('truncate things'))
afterAll(() => admin.close())

async function open(options: Partial<PoolOptions> & { areOwn: boolean }): Promise<Database> {
  const database = await openDatabase({ url: admin.url, log, max: 1, ...options })
  database.ownSessions(options.areOwn)
  onTestFinished(() => database.close())
  return database
}
/** Holds a lock on the table while `run` runs. */
async function whileLocked(run: () => Promise<unknown>): Promise<void> {
  await admin.transaction(async (tx) => {
    await tx.query('lock table things')
    await run()
  })
}
async function things(): Promise<number> {
  return (await admin.query('select from things')).rowCount
}
async function show(database: Database, name: string): Promise<unknown> {
  return (await database.query(`select current_setting('${name}') as value`)).rows[0]?.value
}
async function pidOf(database: Database): Promise<unknown> {
  return (await database.query('select pg_backend_pid() as pid')).rows[0]?.pid
}
/** Whether no session but the one that asks does anything. */
async function quiet(): Promise<boolean> {
  const others = `select from pg_stat_activity
    where state = 'active' and backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()`
  return (await admin.query(others)).rowCount === 0
}

describe('in sessions of its own', () => {
  test('a statement that waits too long is refused, is not committed afterwards, and keeps the connection', async () => {
    const database = await open({ areOwn: true, answerMs: 2000 })
    const pid = await pidOf(database)
    await whileLocked(() => expect(database.query('insert into things values (1)')).rejects.toMatchObject(tooLong))
    await expect.poll(quiet).toBe(true)
    expect(await things()).toBe(0)
    expect(await pidOf(database)).toBe(pid)
  })

  test('no more backends are busy than the pool has connections', async () => {
    const database = await open({ areOwn: true, answerMs: 2000, max: 2 })
    for (let round = 0; round < 2; round++) {
      const two = await Promise.allSettled([1, 2].map(() => database.query('select pg_sleep(30)')))
      expect(two.map((one) => one.status === 'rejected' && one.reason)).toMatchObject([tooLong, tooLong])
      await expect.poll(quiet).toBe(true)
    }
  })

  test('a transaction has the limit it asks for, and the session keeps its own', async () => {
    const database = await open({ areOwn: true, answerMs: 20_000, lockMs: 7000 })
    expect([await show(database, 'statement_timeout'), await show(database, 'lock_timeout')]).toEqual(['19s', '7s'])
    await database.transaction(
      async (tx) => {
        const { rows } = await tx.query(`select current_setting('statement_timeout') as value`)
        expect(rows).toEqual([{ value: '59s' }])
      },
      { answerMs: 60_000 },
    )
    expect(await show(database, 'statement_timeout')).toBe('19s')
  })

  test('a transaction that asks for nothing more gives its locks back', async () => {
    const database = await open({ areOwn: true, answerMs: 2000 })
    const silent = database.transaction(async (tx) => {
      await tx.query('lock table things')
      await admin.query('insert into things values (1)')
      await tx.query('insert into things values (2)')
    })
    await expect(silent).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(await things()).toBe(1)
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test('a statement waits for a lock no longer than it may', async () => {
    const database = await open({ areOwn: true, lockMs: 50 })
    await whileLocked(() =>
      expect(database.query('insert into things values (1)')).rejects.toMatchObject({ cause: { code: '55P03' } }),
    )
  })
})

describe('in sessions that a pooler may share', () => {
  test('a transaction is ended by the server, is not committed, and leaves no limit behind', async () => {
    const pooler = await openPooler(admin.url, true)
    const database = await open({ url: pooler.url, areOwn: false, answerMs: 2000, lockMs: 9000 })
    const before = [await show(database, 'statement_timeout'), await show(database, 'lock_timeout')]
    const insert = () => database.transaction((tx) => tx.query('insert into things values (1)'))
    await whileLocked(() => expect(insert()).rejects.toMatchObject(tooLong))
    await expect.poll(quiet).toBe(true)
    expect(await things()).toBe(0)
    await insert()
    expect(await things()).toBe(1)
    expect([await show(database, 'statement_timeout'), await show(database, 'lock_timeout')]).toEqual(before)
  })

  test('a single statement is ended likewise, if that is wanted', async () => {
    const pooler = await openPooler(admin.url, true)
    const database = await open({ url: pooler.url, areOwn: false, answerMs: 2000, limitsAll: true })
    const insert = () => database.query('insert into things values (1)')
    await whileLocked(() => expect(insert()).rejects.toMatchObject(tooLong))
    await expect.poll(quiet).toBe(true)
    expect(await things()).toBe(0)
    expect((await insert()).rowCount).toBe(1)
  })

  test('nothing is asked of the connection that a pooler refuses', async () => {
    const pooler = await openPooler(admin.url, true)
    const refusing = await openDatabase({ url: `${pooler.url}?options=-c%20statement_timeout%3D1000`, log })
    onTestFinished(() => refusing.close())
    await expect(refusing.query('select 1')).rejects.toMatchObject({
      cause: { message: 'unsupported startup parameter: options' },
    })
    const database = await open({ url: pooler.url, areOwn: false })
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})
