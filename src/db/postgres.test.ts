// The pool: transactions, prepared statements, and databases that cannot be reached.
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { silentLog } from '../lib/log.ts'
import type { Database } from './database.ts'
import { openEmbedded } from './embedded/embedded.ts'
import { openDatabase } from './postgres.ts'

/** A port of this machine where nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
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
    one.prepareStatements(true)
    await one.query('select $1::int as n', [2], 'numbers')
    expect(await prepared()).toEqual([{ name: 'numbers' }])
    // Another client of the same session could do this.
    await one.query('deallocate all')
    await expect(one.query('select $1::int as n', [3], 'numbers')).rejects.toMatchObject({
      code: 'database_unavailable',
    })
    expect((await one.query('select $1::int as n', [4], 'numbers')).rows).toEqual([{ n: 4 }])
    expect(await prepared()).toEqual([])
    await one.close()
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

  test('is unavailable when a connection is cut during a statement or a transaction, and works again after', async () => {
    const cut = 'select pg_terminate_backend(pg_backend_pid())'
    await expect(database.query(cut)).rejects.toMatchObject({ code: 'database_unavailable', cause: { code: '57P01' } })
    await expect(database.transaction((tx) => tx.query(cut))).rejects.toMatchObject({ code: 'database_unavailable' })
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})

describe('a database that stops answering', () => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase()
  })
  afterAll(() => database.close())

  test('is unavailable after a statement has waited too long, and other connections are used from then on', async () => {
    const { port } = new URL(database.url)
    let isSilent = false
    const proxy = createServer((near) => {
      const far = connect(Number(port), '127.0.0.1')
      const mute = isSilent
      near.on('data', (chunk) => isSilent === mute && far.write(chunk))
      far.on('data', (chunk) => isSilent === mute && near.write(chunk))
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('close', () => other.destroy())
        one.on('error', () => {})
      }
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void proxy.close())
    const { port: proxyPort } = proxy.address() as AddressInfo
    const url = Object.assign(new URL(database.url), { port: String(proxyPort) }).href
    const unavailable = { code: 'database_unavailable', cause: { message: 'Query read timeout' } }
    const distant = await openDatabase({ url, log: silentLog, answerMs: 300 })
    await Promise.all([distant.query('select 1'), distant.query('select 1')])
    const patient = distant.transaction((tx) => tx.query('select pg_sleep(0.5)'), { answerMs: 5000 })
    expect((await patient).rowCount).toBe(1)
    const order: string[] = []
    let other: Promise<unknown> | undefined
    const transaction = distant.transaction(
      async (tx) => {
        isSilent = true
        await expect(tx.query('select 1')).rejects.toMatchObject(unavailable)
        other = expect(distant.query('select 1')).rejects.toMatchObject(unavailable)
        other = other.then(() => order.push('another statement'))
        throw new Error('enough')
      },
      { answerMs: 600 },
    )
    await expect(transaction.finally(() => order.push('transaction'))).rejects.toThrow('enough')
    await other
    // No rollback is sent over a connection that does not answer.
    expect(order).toEqual(['transaction', 'another statement'])
    expect((await distant.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await distant.close()
  })
})

describe('a database that is not running', () => {
  test('is reported by every method, with the reason as the cause and not in the text', async () => {
    const database = await openDatabase({ url: `postgresql://u:p@127.0.0.1:${await closedPort()}/x`, log: silentLog })
    const expected = { code: 'database_unavailable', status: 503, detail: 'The database cannot be reached.' }
    await expect(database.query('select 1')).rejects.toMatchObject({ ...expected, cause: { code: 'ECONNREFUSED' } })
    await expect(database.transaction(async () => {})).rejects.toMatchObject(expected)
    await database.close()
    await expect(database.query('select 1')).rejects.toMatchObject(expected)
  })

  test('runs the next statement once it is back', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-restart-'))
    onTestFinished(() => rm(dataDir, { recursive: true }))
    const spareRoot = join(dataDir, 'spare')
    const settings = { fsync: 'off' }
    const first = await openEmbedded({ dataDir, spareRoot, settings, log: silentLog })
    const database = await openDatabase({ url: first.url, log: silentLog })
    await Promise.all([1, 2, 3].map((n) => database.query('select $1::int', [n])))
    await first.close()
    await expect(database.query('select 1')).rejects.toMatchObject({ code: 'database_unavailable' })
    const second = await openEmbedded({ dataDir, spareRoot, settings, log: silentLog })
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await database.close()
    await second.close()
  })
})
