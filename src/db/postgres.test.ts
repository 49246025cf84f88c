// The pool: statements, prepared statements and transactions on a database that can be reached.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Log } from '../lib/log.ts'
import { silentLog } from '../lib/log.ts'
import type { Database, Sql } from './database.ts'
import { openDatabase } from './postgres.ts'

function collectingLog() {
  const lines: string[] = []
  const warn: Log['warn'] = (...parts: unknown[]) => void lines.push(JSON.stringify(parts))
  return { log: { ...silentLog, warn }, lines }
}

describe('a database', () => {
  let database: Database

  beforeAll(async () => {
    database = await openTestDatabase()
    await database.query('create table things (id int primary key, name text)')
  })
  afterAll(() => database.close())

  test('returns exact bigints as numbers, larger ones as text, and times as dates', async () => {
    const { rows, rowCount } = await database.query(
      `select 9007199254740991 as exact, 9007199254740993 as large, timestamptz '2026-01-02T03:04:05Z' as time`,
    )
    expect(rowCount).toBe(1)
    expect(rows).toEqual([
      { exact: 9007199254740991, large: '9007199254740993', time: new Date('2026-01-02T03:04:05Z') },
    ])
  })

  test('throws the error of a refused statement unchanged, and keeps the connection', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog, max: 1 })
    const pid = async () => (await one.query('select pg_backend_pid() as pid')).rows[0]?.pid
    const before = await pid()
    await expect(one.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
    expect(await pid()).toBe(before)
    await one.close()
  })

  test('prepares a named statement when that is allowed, and stops when a pooler shares the session', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog, max: 1 })
    const prepared = async () => (await one.query('select name from pg_prepared_statements')).rows
    await one.query('select $1::int as n', [1], 'numbers')
    expect(await prepared()).toEqual([])
    one.ownSessions(true)
    await one.query('select $1::int as n', [2], 'numbers')
    expect(await prepared()).toEqual([{ name: 'numbers' }])
    // Another client of the same session could do this.
    await one.query('deallocate all')
    await expect(one.query('select $1::int as n', [3], 'numbers')).rejects.toMatchObject({
      code: 'database_unavailable',
    })
    expect((await one.query('select $1::int as n', [4], 'numbers')).rows).toEqual([{ n: 4 }])
    // That notifications arrive again proves nothing any more.
    one.ownSessions(true)
    await one.query('select $1::int as n', [5], 'numbers')
    expect(await prepared()).toEqual([])
    await one.close()
  })

  test('plans a statement again when a newer version has given its table another column', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog, max: 1 })
    one.ownSessions(true)
    const all = (sql: Sql) => sql.query('select * from public.wide', [], 'all of wide')
    await database.query('create table public.wide as select 1 as a')
    await all(one)
    await database.query('alter table public.wide add column b int default 2')
    expect((await all(one)).rows).toEqual([{ a: 1, b: 2 }])
    await all(one)
    await database.query('alter table public.wide add column c int default 3')
    await expect(one.transaction(all)).rejects.toMatchObject({ code: 'database_unavailable' })
    expect((await one.transaction(all)).rows).toEqual([{ a: 1, b: 2, c: 3 }])
    await one.close()
  })

  test('stops preparing when another client of the session has prepared that name', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog, max: 1 })
    const count = async () => (await one.query('select from pg_prepared_statements')).rowCount
    await one.query('prepare numbers as select 0')
    one.ownSessions(true)
    await expect(one.query('select 1 as n', [], 'numbers')).rejects.toMatchObject({
      code: 'database_unavailable',
      cause: { code: '42P05' },
    })
    expect((await one.query('select 1 as n', [], 'numbers')).rows).toEqual([{ n: 1 }])
    expect(await count()).toBe(0)
    await one.close()
  })

  test('returns the rows of the last of several statements, and how many it changed', async () => {
    const several = await database.query(`select 1 as one; select 2 as two; select 3 as three`)
    expect(several).toEqual({ rows: [{ three: 3 }], rowCount: 1 })
    await database.query(`insert into things values (101), (102), (103)`)
    expect(await database.query('delete from things where id > $1', [100])).toEqual({ rows: [], rowCount: 3 })
    expect((await database.query('create table nothing ()')).rowCount).toBe(0)
  })

  test('binds values and never reads them as SQL', async () => {
    const hostile = `'); drop table things; --`
    expect((await database.query('select $1::text as text', [hostile])).rows).toEqual([{ text: hostile }])
    expect((await database.query(`select to_regclass('things') is not null as here`)).rows).toEqual([{ here: true }])
  })

  test('names itself to the server, with the name it was given', async () => {
    const named = await openDatabase({ url: database.url, log: silentLog, applicationName: 'signalbox doctor' })
    const name = `select current_setting('application_name') as name`
    expect((await named.query(name)).rows).toEqual([{ name: 'signalbox doctor' }])
    expect((await database.query(name)).rows).toEqual([{ name: 'signalbox' }])
    await named.close()
  })

  test('opens no more connections than allowed: further statements wait', async () => {
    const two = await openDatabase({ url: database.url, log: silentLog, max: 2 })
    const pids = await Promise.all(
      Array.from({ length: 10 }, async () => (await two.query('select pg_backend_pid() as pid')).rows[0]?.pid),
    )
    expect(new Set(pids).size).toBeLessThanOrEqual(2)
    await two.close()
  })

  test('can be closed twice, and waits for running statements', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog })
    const running = one.query('select pg_sleep(0.1), 1 as one')
    await Promise.all([one.close(), one.close()])
    expect((await running).rows).toMatchObject([{ one: 1 }])
  })

  test('commits a transaction, and returns its value', async () => {
    const value = await database.transaction(async (tx) => {
      await tx.query('insert into things values ($1, $2)', [1, 'kept'])
      return 'done'
    })
    expect(value).toBe('done')
    expect((await database.query('select name from things where id = 1')).rows).toEqual([{ name: 'kept' }])
  })

  test('rolls back a transaction that throws', async () => {
    const failing = database.transaction(async (tx) => {
      await tx.query('insert into things values (2)')
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect((await database.query('select from things where id = 2')).rowCount).toBe(0)
  })

  test('does not report a commit when a caught error has rolled everything back', async () => {
    const catching = database.transaction(async (tx) => {
      await tx.query('insert into things values (3)')
      await tx.query('select 1 / 0').catch(() => {})
    })
    await expect(catching).rejects.toThrow('rolled back')
    expect((await database.query('select from things where id = 3')).rowCount).toBe(0)
  })

  test('shows what a transaction does to others only after its commit, and to itself at once', async () => {
    const seen = async (sql: Sql) => (await sql.query('select from things where id = 10')).rowCount
    await database.transaction(async (tx) => {
      await tx.query('insert into things values (10)')
      expect([await seen(tx), await seen(database)]).toEqual([1, 0])
    })
    expect(await seen(database)).toBe(1)
  })

  test('commits what follows a savepoint that was rolled back', async () => {
    await database.transaction(async (tx) => {
      await tx.query('insert into things values (20)')
      await tx.query('savepoint before')
      await expect(tx.query('insert into things values (20)')).rejects.toMatchObject({ code: '23505' })
      await tx.query('rollback to before')
      await tx.query('insert into things values (21)')
    })
    expect((await database.query('select id from things where id between 20 and 29 order by id')).rows).toEqual([
      { id: 20 },
      { id: 21 },
    ])
  })

  test('throws the error of a commit that the server refuses, and has stored nothing', async () => {
    await database.query('create table checked (id int unique deferrable initially deferred)')
    const refused = database.transaction((tx) => tx.query('insert into checked values (1), (1)'))
    await expect(refused).rejects.toMatchObject({ code: '23505' })
    expect((await database.query('select from checked')).rowCount).toBe(0)
  })

  test('has no open transaction after one that threw, on the same connection', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog, max: 1 })
    const open = async () => (await one.query('select now() = statement_timestamp() as alone')).rows
    await expect(one.transaction((tx) => tx.query('select 1 / 0'))).rejects.toMatchObject({ code: '22012' })
    expect(await open()).toEqual([{ alone: true }])
    await one.close()
  })

  test('loses the connection of a transaction whose rollback fails, and opens another', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog, max: 1 })
    const pid = async (sql: Sql) => (await sql.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
    let before: number | undefined
    const cut = one.transaction(async (tx) => {
      before = await pid(tx)
      // The connection ends outside of a statement: only the rollback will notice.
      await database.query('select pg_terminate_backend($1)', [before])
      throw new Error('own reason')
    })
    await expect(cut).rejects.toThrow('own reason')
    expect(await pid(one)).not.toBe(before)
    await one.close()
  })

  test('logs an idle connection that was lost, without its password', async () => {
    const { log, lines } = collectingLog()
    const one = await openDatabase({ url: database.url, log, max: 1 })
    const { rows } = await one.query('select pg_backend_pid() as pid')
    await database.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toContain('an idle database connection was lost')
    expect(lines[0]).not.toContain(new URL(database.url).password || 'no password')
    expect((await one.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await one.close()
  })

  test('is unavailable when a connection is cut during a statement or a transaction, and works again after', async () => {
    const cut = 'select pg_terminate_backend(pg_backend_pid())'
    await expect(database.query(cut)).rejects.toMatchObject({ code: 'database_unavailable', cause: { code: '57P01' } })
    await expect(database.transaction((tx) => tx.query(cut))).rejects.toMatchObject({ code: 'database_unavailable' })
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})
