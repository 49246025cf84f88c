// The pool when the database stops answering, is not running, or comes back.
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
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

describe('a database that stops answering', () => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase()
  })
  afterAll(() => database.close())

  test('is unavailable after a statement has waited too long, and other connections are used from then on', async () => {
    const { port } = new URL(database.url)
    let isSilent = false
    let unheard = 0
    const proxy = createServer((near) => {
      const far = connect(Number(port), '127.0.0.1')
      const mute = isSilent
      near.on('data', (chunk) => (isSilent === mute ? far.write(chunk) : unheard++))
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
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const near = await openDatabase({ url: database.url, log: silentLog })
    const distant = await openDatabase({ url, log: silentLog, answerMs: 10_000 })
    await Promise.all([distant.query('select 1'), distant.query('select 1')])

    const lock = 'select pg_advisory_xact_lock(1)'
    const { patient } = await near.transaction(async (tx) => {
      await tx.query(lock)
      const patient = distant.transaction((other) => other.query(lock), { answerMs: 20_000 })
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`
      await expect.poll(async () => (await near.query(waiting)).rowCount).toBe(1)
      await vi.advanceTimersByTimeAsync(19_000)
      return { patient }
    })
    expect((await patient).rowCount).toBe(1)

    const transaction = distant.transaction(
      async (tx) => {
        isSilent = true
        await expect(tx.query('select 1')).rejects.toMatchObject(unavailable)
        throw new Error('enough')
      },
      { answerMs: 20_000 },
    )
    const order: string[] = []
    const first = expect(transaction.finally(() => order.push('transaction'))).rejects.toThrow('enough')
    await expect.poll(() => unheard).toBe(1)
    const other = distant.query('select 1').finally(() => order.push('another statement'))
    const second = expect(other).rejects.toMatchObject(unavailable)
    await expect.poll(() => unheard).toBe(2)
    await vi.advanceTimersByTimeAsync(10_000)
    await second
    expect(order).toEqual(['another statement'])
    await vi.advanceTimersByTimeAsync(10_000)
    // At once: no rollback is sent over a connection that does not answer.
    await first
    expect((await distant.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    expect(unheard).toBe(2)
    await Promise.all([distant.close(), near.close()])
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
