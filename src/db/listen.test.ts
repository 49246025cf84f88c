// Listening proves to itself that notifications arrive, and recovers when they do not.
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { silentLog as log } from '../lib/log.ts'
import type { Database } from './database.ts'
import { openPooler } from './fixtures/pooler.ts'
import type { ListenerOptions, Sleep } from './listen.ts'
import { openListener, openNotifier } from './listen.ts'

/** Waits that the test ends: `pass(ms)` ends every wait of that length. */
function manualSleep(): { sleep: Sleep; pass(ms: number): void; waiting(ms: number): boolean } {
  const waits = new Set<{ ms: number; end(): void }>()
  return {
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const entry = {
          ms,
          end: () => {
            waits.delete(entry)
            resolve()
          },
        }
        if (signal.aborted) return reject(signal.reason)
        signal.addEventListener('abort', () => {
          waits.delete(entry)
          reject(signal.reason)
        })
        waits.add(entry)
      }),
    pass: (ms) => {
      for (const entry of [...waits]) if (entry.ms === ms) entry.end()
    },
    waiting: (ms) => [...waits].some((entry) => entry.ms === ms),
  }
}

/** Ends the short pauses between attempts at once, and leaves the others to the test. */
function shortPauses(sleep: Sleep, pauses: number[]): Sleep {
  return (ms, signal) => {
    if (ms === 1000 || ms > 30_000) return sleep(ms, signal)
    pauses.push(ms)
    return Promise.resolve()
  }
}

describe('listening', () => {
  let database: Database

  beforeAll(async () => {
    database = await openTestDatabase()
  })
  afterAll(() => database.close())

  const open = async (options: Partial<ListenerOptions> = {}) => {
    const seen: string[] = []
    const lives: boolean[] = []
    const listener = await openListener({
      database,
      url: database.url,
      channels: ['jobs', 'Some "other"'],
      onNotify: (channel) => seen.push(channel),
      onLive: (isLive) => lives.push(isLive),
      log,
      ...options,
    })
    onTestFinished(() => listener.close())
    return { listener, seen, lives }
  }

  test('calls back for every channel at first, then for each notification', async () => {
    const { listener, seen } = await open()
    expect(listener.status()).toEqual({ mode: 'listening' })
    expect(seen).toEqual(['jobs', 'Some "other"'])
    await database.query(`select pg_notify('unheard', ''), pg_notify('jobs', ''), pg_notify('Some "other"', '')`)
    await expect.poll(() => seen.slice(2)).toEqual(['jobs', 'Some "other"'])
    await listener.close()
    expect(listener.live).toBe(false)
  })

  test('through a transaction pooler is noticed, and resumed once notifications arrive', async () => {
    const pooler = await openPooler(database.url, true)
    const { sleep, pass, waiting } = manualSleep()
    const pauses: number[] = []
    const opening = open({ url: pooler.url, sleep: shortPauses(sleep, pauses), answerMs: 1000, retryMs: 300_000 })
    for (let late = 1; late <= 3; late++) {
      await expect.poll(() => waiting(1000)).toBe(true)
      pass(1000)
      await expect.poll(() => late === 3 || pauses.length === late).toBe(true)
    }
    const { listener, seen, lives } = await opening
    expect(listener.live).toBe(false)
    expect(listener.status()).toEqual({ mode: 'polling', reason: expect.stringContaining('transaction pooler') })
    expect([seen, lives]).toEqual([[], []])
    pooler.dropsNotifications = false
    await expect.poll(() => waiting(300_000)).toBe(true)
    pass(300_000)
    await expect.poll(() => listener.live).toBe(true)
    expect([seen, lives]).toEqual([['jobs', 'Some "other"'], [true]])
  })

  test('that is slow at its first self-test is tested again at once, and not after five minutes', async () => {
    const pooler = await openPooler(database.url, true)
    const { sleep, pass, waiting } = manualSleep()
    const pauses: number[] = []
    const opening = open({ url: pooler.url, sleep: shortPauses(sleep, pauses), answerMs: 1000, retryMs: 300_000 })
    await expect.poll(() => waiting(1000)).toBe(true)
    pooler.dropsNotifications = false
    pass(1000)
    const { listener, lives } = await opening
    await expect.poll(() => listener.live).toBe(true)
    expect(lives).toEqual([true])
    expect(pauses).toHaveLength(1)
  })

  test('is tested regularly, and its end is noticed', async () => {
    const pooler = await openPooler(database.url, false)
    const { sleep, pass, waiting } = manualSleep()
    const { listener } = await open({ url: pooler.url, sleep, selfTestMs: 60_000, answerMs: 1000 })
    await expect.poll(() => waiting(60_000)).toBe(true)
    pooler.dropsNotifications = true
    pass(60_000)
    await expect.poll(() => waiting(1000)).toBe(true)
    pass(1000)
    await expect.poll(() => listener.live).toBe(false)
  })

  test('with one late notification is resumed at once, and not after five minutes', async () => {
    const pooler = await openPooler(database.url, false)
    const { sleep, pass, waiting } = manualSleep()
    const pauses: number[] = []
    const { listener } = await open({
      url: pooler.url,
      sleep: (ms, signal) => {
        if (ms === 60_000 || ms === 1000) return sleep(ms, signal)
        pauses.push(ms)
        pooler.dropsNotifications = false
        return Promise.resolve()
      },
    })
    await expect.poll(() => waiting(60_000)).toBe(true)
    pooler.dropsNotifications = true
    pass(60_000)
    await expect.poll(() => waiting(1000)).toBe(true)
    pass(1000)
    await expect.poll(() => pauses).toHaveLength(1)
    expect(pauses[0]).toBeLessThan(1000)
    await expect.poll(() => listener.live).toBe(true)
  })

  test('is resumed after a lost connection, and calls back for every channel again', async () => {
    const pooler = await openPooler(database.url, false)
    let pauses = 0
    const sleep: Sleep = async (ms, signal) => {
      if (ms < 10_000 && ms !== 1000) pauses += 1
      else await wait(ms, undefined, { signal })
    }
    const { listener, seen, lives } = await open({ url: pooler.url, sleep })
    pooler.cut()
    await expect.poll(() => seen).toHaveLength(4)
    expect(lives).toEqual([true, false, true])
    expect(pauses).toBeGreaterThan(0)
    expect(listener.live).toBe(true)
  })

  test('has a connection of its own, by a name an operator recognises, until it is closed', async () => {
    const connections = async () => {
      const { rows } = await database.query<{ n: number }>(
        `select count(*) as n from pg_stat_activity
          where application_name = 'signalbox listener' and datname = current_database()`,
      )
      return rows[0]?.n
    }
    const { listener } = await open()
    expect(await connections()).toBe(1)
    await listener.close()
    await expect.poll(() => connections()).toBe(0)
    expect(listener.status()).toEqual({ mode: 'polling', reason: 'The listener is closed.' })
  })

  test('hears what every other connection sends after its commit, and nothing that was rolled back', async () => {
    const { seen } = await open()
    const rolledBack = database.transaction(async (tx) => {
      await tx.query(`select pg_notify('jobs', '')`)
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    await database.transaction(async (tx) => {
      await tx.query(`select pg_notify('Some "other"', '')`)
    })
    await expect.poll(() => seen.slice(2)).toEqual(['Some "other"'])
  })

  test('can be closed twice, and at once', async () => {
    const { listener } = await open()
    await Promise.all([listener.close(), listener.close()])
    expect(listener.live).toBe(false)
  })

  test('that ends is logged once, and so is its return', async () => {
    const lines: string[] = []
    const write = (...parts: unknown[]) => void lines.push(String(parts.at(-1)))
    const { sleep, pass, waiting } = manualSleep()
    const pooler = await openPooler(database.url, true)
    const opening = open({
      url: pooler.url,
      log: { ...log, warn: write, info: write },
      sleep: shortPauses(sleep, []),
      answerMs: 1000,
      retryMs: 300_000,
    })
    for (let failures = 1; failures <= 5; failures++) {
      await expect.poll(() => waiting(1000)).toBe(true)
      pass(1000)
      if (failures < 3) {
        await expect.poll(() => waiting(1000)).toBe(false)
        continue
      }
      await expect.poll(() => waiting(300_000)).toBe(true)
      if (failures === 5) pooler.dropsNotifications = false
      pass(300_000)
    }
    const { listener } = await opening
    await expect.poll(() => listener.live).toBe(true)
    expect(lines).toEqual(['notifications do not arrive; polling instead', 'notifications arrive again'])
  })

  test('waits longer after every failure to connect, up to half a minute', async () => {
    const pauses: number[] = []
    const { listener } = await open({
      url: database.url.replace(/:\d+\//, ':1/'),
      sleep: (ms, signal) => {
        pauses.push(ms)
        if (pauses.length < 10) return Promise.resolve()
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    })
    await expect.poll(() => pauses).toHaveLength(10)
    expect(pauses[0]).toBeLessThan(700)
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(30_000)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(36_000)
    await listener.close()
  })

  test('for a database that cannot be reached does not throw, and says why it polls', async () => {
    const { listener } = await open({ url: database.url.replace(/:\d+\//, ':1/') })
    expect(listener.status()).toEqual({ mode: 'polling', reason: expect.stringContaining('ECONNREFUSED') })
  })
})

describe('a notifier', () => {
  test('repeats a failed notification once', async () => {
    const query = vi.fn(async () => Promise.reject(new Error('lost')))
    const notifier = openNotifier({ query } as unknown as Database, 'jobs')
    notifier.notify()
    await notifier.close()
    expect(query).toHaveBeenCalledTimes(2)
  })

  test('sends one notification at a time, and at most one more after it', async () => {
    const answers: (() => void)[] = []
    const query = vi.fn(() => new Promise<void>((resolve) => answers.push(resolve)))
    const notifier = openNotifier({ query } as unknown as Database, 'jobs')
    for (let i = 0; i < 100; i++) notifier.notify()
    expect(query).toHaveBeenCalledTimes(1)
    answers[0]?.()
    await expect.poll(() => query).toHaveBeenCalledTimes(2)
    for (let i = 0; i < 100; i++) notifier.notify()
    answers[1]?.()
    await expect.poll(() => query).toHaveBeenCalledTimes(3)
    const closing = notifier.close()
    notifier.notify()
    answers[2]?.()
    await closing
    expect(query).toHaveBeenCalledTimes(3)
  })

  test('names all who are to look since the last notification, and nobody when that is everybody', async () => {
    const answers: (() => void)[] = []
    const payloads: unknown[] = []
    const query = (_text: string, [, payload]: unknown[]) => {
      payloads.push(payload)
      return new Promise<void>((resolve) => answers.push(resolve))
    }
    const notifier = openNotifier<'jobs' | 'deliveries'>({ query } as unknown as Database, 'work')
    notifier.notify('jobs')
    notifier.notify('jobs')
    notifier.notify('deliveries')
    answers.shift()?.()
    await expect.poll(() => payloads).toEqual(['jobs', 'deliveries,jobs'])
    notifier.notify('jobs')
    notifier.notify()
    answers.shift()?.()
    await expect.poll(() => payloads).toEqual(['jobs', 'deliveries,jobs', ''])
    answers.shift()?.()
    await notifier.close()
  })

  test('reaches a listener', async () => {
    const database = await openTestDatabase()
    const reached = Promise.withResolvers<void>()
    let calls = 0
    const onNotify = () => {
      calls += 1
      if (calls === 2) reached.resolve()
    }
    const listener = await openListener({ database, url: database.url, channels: ['jobs'], onNotify, log })
    const notifier = openNotifier(database, 'jobs')
    notifier.notify()
    await reached.promise
    await notifier.close()
    await listener.close()
    await database.close()
  })
})
