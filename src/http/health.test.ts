import { afterEach, expect, test, vi } from 'vitest'
import { silentLog } from '../lib/log.ts'
import { errorResponse } from './errors.ts'
import type { Probe } from './health.ts'
import { healthRoutes } from './health.ts'

afterEach(() => {
  vi.useRealTimers()
})

async function ask(probe: Probe, path = '/health', method = 'GET') {
  const app = healthRoutes({ version: '1.2.3' }, probe).onError((error) => errorResponse(error, silentLog))
  const response = await app.request(path, { method })
  return { status: response.status, text: await response.text() }
}

test('a server whose database answers is healthy', async () => {
  const { status, text } = await ask(async () => {})
  expect(status).toBe(200)
  expect(JSON.parse(text)).toEqual({
    service: 'signalbox',
    status: 'healthy',
    version: '1.2.3',
    database: 'connected',
  })
})

test('many who ask at once wait for one answer of the database', async () => {
  let asked = 0
  const release = Promise.withResolvers<void>()
  const probe = () => {
    asked++
    return release.promise
  }
  const app = healthRoutes({ version: '1.2.3' }, probe)
  const all = Promise.all(Array.from({ length: 50 }, async () => (await app.request('/health')).status))
  release.resolve()
  expect(new Set(await all)).toEqual(new Set([200]))
  expect(asked).toBe(1)
  await app.request('/health')
  expect(asked).toBe(2)
})

test.each([
  ['rejects', async () => Promise.reject(new Error('password authentication failed for user "admin"'))],
  [
    'throws',
    () => {
      throw new Error('no connection to db.internal')
    },
  ],
])('a database that %s makes it unhealthy, and why is not said', async (_how, probe: Probe) => {
  const { status, text } = await ask(probe)
  expect(status).toBe(503)
  expect(JSON.parse(text)).toEqual({
    service: 'signalbox',
    status: 'unhealthy',
    version: '1.2.3',
    database: 'unavailable',
  })
})

test('a database that does not answer is not waited for', async () => {
  vi.useFakeTimers()
  const asking = ask(() => new Promise(() => {}))
  await vi.advanceTimersByTimeAsync(2_000)
  expect((await asking).status).toBe(503)
})

test('no timer is left behind', async () => {
  vi.useFakeTimers()
  await ask(async () => {})
  await ask(async () => Promise.reject(new Error('away')))
  expect(vi.getTimerCount()).toBe(0)
})

test('it is only for reading, and the address above it is free', async () => {
  expect((await ask(async () => {}, '/health', 'POST')).status).toBe(405)
  expect((await ask(async () => {}, '/')).status).toBe(404)
})
