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

  test('gives exact bigints as numbers, larger ones as text, and times as dates', async () => {
    const { rows, rowCount } = await database.query(
      `select 9007199254740991 as exact, 9007199254740993 as large, timestamptz '2026-01-02T03:04:05Z' as time`,
    )
    expect(rowCount).toBe(1)
    expect(rows).toEqual([
      { exact: 9007199254740991, large: '9007199254740993', time: new Date('2026-01-02T03:04:05Z') },
    ])
  })

  test('lets the error of a refused statement through as it is, and keeps the connection', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog, max: 1 })
    const pid = async () => (await one.query('select pg_backend_pid() as pid')).rows[0]?.pid
    const before = await pid()
    await expect(one.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
    expect(await pid()).toBe(before)
    await one.close()
  })

  test('prepares a named statement once it may, and no more when a pooler turns out to share the session', async () => {
    const one = await openDatabase({ url: database.url, log: silentLog, max: 1 })
    const prepared = async () => (await one.query('select name from pg_prepared_statements')).rows
    await one.query('select $1::int as n', [1], 'numbers')
    expect(await prepared()).toEqual([])
    one.prepareStatements(true)
    await one.query('select $1::int as n', [2], 'numbers')
    expect(await prepared()).toEqual([{ name: 'numbers' }])
    // What somebody else in the same session could do.
    await one.query('deallocate all')
    await expect(one.query('select $1::int as n', [3], 'numbers')).rejects.toMatchObject({
      code: 'database_unavailable',
    })
    expect((await one.query('select $1::int as n', [4], 'numbers')).rows).toEqual([{ n: 4 }])
    expect(await prepared()).toEqual([])
    await one.close()
  })

  test('commits what a transaction did, and gives its value', async () => {
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

  test('does not report a commit where a swallowed error has rolled everything back', async () => {
    const swallowing = database.transaction(async (tx) => {
      await tx.query('insert into things values (3)')
      await tx.query('select 1 / 0').catch(() => {})
    })
    await expect(swallowing).rejects.toThrow('rolled back')
    expect((await database.query('select from things where id = 3')).rowCount).toBe(0)
  })

  test('says that it is away when a connection is cut in the middle of a statement or a transaction, and goes on', async () => {
    const cut = 'select pg_terminate_backend(pg_backend_pid())'
    await expect(database.query(cut)).rejects.toMatchObject({ code: 'database_unavailable', cause: { code: '57P01' } })
    await expect(database.transaction((tx) => tx.query(cut))).rejects.toMatchObject({ code: 'database_unavailable' })
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})

describe('a database that has fallen silent', () => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase()
  })
  afterAll(() => database.close())

  test('is away once a statement has waited for too long, and is asked over another connection from then on', async () => {
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
    const away = { code: 'database_unavailable', cause: { message: 'Query read timeout' } }
    const distant = await openDatabase({ url, log: silentLog, answerMs: 300 })
    await Promise.all([distant.query('select 1'), distant.query('select 1')])
    const patient = distant.transaction((tx) => tx.query('select pg_sleep(0.5)'), { answerMs: 5000 })
    expect((await patient).rowCount).toBe(1)
    const order: string[] = []
    let other: Promise<unknown> | undefined
    const transaction = distant.transaction(
      async (tx) => {
        isSilent = true
        await expect(tx.query('select 1')).rejects.toMatchObject(away)
        other = expect(distant.query('select 1')).rejects.toMatchObject(away)
        other = other.then(() => order.push('another statement'))
        throw new Error('enough')
      },
      { answerMs: 600 },
    )
    await expect(transaction.finally(() => order.push('transaction'))).rejects.toThrow('enough')
    await other
    // A connection that has fallen silent is asked for no rollback.
    expect(order).toEqual(['transaction', 'another statement'])
    expect((await distant.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await distant.close()
  })
})

describe('a database that is not there', () => {
  test('is reported by every way of asking, with the reason as the cause and not in the text', async () => {
    const database = await openDatabase({ url: `postgresql://u:p@127.0.0.1:${await closedPort()}/x`, log: silentLog })
    const expected = { code: 'database_unavailable', status: 503, detail: 'The database cannot be reached.' }
    await expect(database.query('select 1')).rejects.toMatchObject({ ...expected, cause: { code: 'ECONNREFUSED' } })
    await expect(database.transaction(async () => {})).rejects.toMatchObject(expected)
    await database.close()
    await expect(database.query('select 1')).rejects.toMatchObject(expected)
  })

  test('serves the next statement once it is back', async () => {
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
