import { expect, test } from 'vitest'
import { silentLog } from '../lib/log.ts'
import { openArrivals } from './arrivals.ts'

const signal = new AbortController().signal

/** Waiting for a log whose newest event is set by hand. */
function open(options: { everyMs?: number; maxWaiting?: number } = {}) {
  const state = { newest: 5n, asked: 0, fails: false }
  const newest = async () => {
    state.asked++
    if (state.fails) throw new Error('away')
    return state.newest
  }
  return { state, arrivals: openArrivals({ newest, log: silentLog, everyMs: 100_000, ...options }) }
}

test('who waits goes on at the event, whoever nudges, and nobody asks while nobody waits', async () => {
  const { state, arrivals } = open()
  arrivals.nudge()
  expect(state.asked).toBe(0)
  const six = arrivals.wait(6n, { ms: 60_000, signal })
  const seven = arrivals.wait(7n, { ms: 60_000, signal })
  state.newest = 6n
  arrivals.nudge()
  expect(await six).toBe(true)
  state.newest = 7n
  arrivals.nudge()
  expect(await seven).toBe(true)
  const { asked } = state
  arrivals.nudge()
  expect(state.asked).toBe(asked)
})

test('an event that is there already is not waited for', async () => {
  expect(await open().arrivals.wait(5n, { ms: 60_000, signal })).toBe(true)
})

test('without a nudge it looks by itself, also after a look that failed', async () => {
  const { state, arrivals } = open({ everyMs: 1 })
  state.fails = true
  const waiting = arrivals.wait(6n, { ms: 60_000, signal })
  while (state.asked < 3) await new Promise(setImmediate)
  Object.assign(state, { fails: false, newest: 6n })
  expect(await waiting).toBe(true)
})

test('waiting ends without an event when its time is over, its caller gone or all is closed', async () => {
  const { arrivals } = open()
  expect(await arrivals.wait(6n, { ms: 1, signal })).toBe(false)
  expect(await arrivals.wait(6n, { ms: 60_000, signal: AbortSignal.abort() })).toBe(false)
  const gone = new AbortController()
  const waiting = arrivals.wait(6n, { ms: 60_000, signal: gone.signal })
  gone.abort()
  expect(await waiting).toBe(false)
  const last = arrivals.wait(6n, { ms: 60_000, signal })
  await arrivals.close()
  expect(await last).toBe(false)
  expect(await arrivals.wait(6n, { ms: 60_000, signal })).toBe(false)
})

test('one more than may wait is refused, until another has gone', async () => {
  const { arrivals } = open({ maxWaiting: 1 })
  const gone = new AbortController()
  const first = arrivals.wait(6n, { ms: 60_000, signal: gone.signal })
  await expect(arrivals.wait(6n, { ms: 1, signal })).rejects.toMatchObject({
    code: 'rate_limited',
    headers: { 'retry-after': '5' },
  })
  gone.abort()
  await first
  expect(await arrivals.wait(6n, { ms: 1, signal })).toBe(false)
})
