import fc from 'fast-check'
import { expect, test } from 'vitest'
import { requestRate } from './request-rate.ts'

/** A rate, and its clock. */
function open(perMinute: number, options: { maxKeys?: number } = {}) {
  let time = 1_000_000
  const rate = requestRate({ name: 'api', perMinute, now: () => time, ...options })
  const taken = (key: string, count: number) =>
    Array.from({ length: count }, () => rate.take(key)).filter(({ isLeft }) => isLeft).length
  const advance = (ms: number) => {
    time += ms
  }
  return { rate, taken, advance }
}

test('a minute of requests may come at once, and then one after the other', () => {
  const { taken, advance } = open(60)
  expect(taken('a', 100)).toBe(60)
  advance(999)
  expect(taken('a', 1)).toBe(0)
  advance(1)
  expect(taken('a', 2)).toBe(1)
  advance(3_600_000)
  expect(taken('a', 100)).toBe(60)
})

test('nobody takes from another', () => {
  const { taken } = open(10)
  expect(taken('a', 1000)).toBe(10)
  expect(taken('b', 1000)).toBe(10)
})

test('the headers say the quota, what is left of it, and when to come again', () => {
  const { rate, taken, advance } = open(6)
  expect(rate.take('a').headers()).toEqual({ 'ratelimit-policy': '"api";q=6;w=60', ratelimit: '"api";r=5;t=10' })
  taken('a', 5)
  advance(4_000)
  const { isLeft, headers } = rate.take('a')
  expect(isLeft).toBe(false)
  expect(headers()).toEqual({ 'ratelimit-policy': '"api";q=6;w=60', ratelimit: '"api";r=0;t=56', 'retry-after': '6' })
})

test('whoever comes again after the seconds of Retry-After is let in', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(120_000), (perMinute, pauseMs) => {
      const { rate, taken, advance } = open(perMinute)
      taken('a', perMinute)
      advance(pauseMs)
      taken('a', perMinute)
      const { isLeft, headers } = rate.take('a')
      expect(isLeft).toBe(false)
      advance(Number(headers()['retry-after']) * 1000)
      expect(rate.take('a').isLeft).toBe(true)
    }),
  )
})

test('in any minute there are at most two quotas, however they are spread', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(5_000), { maxLength: 300 }), (perMinute, pauses) => {
      const { taken, advance } = open(perMinute)
      let time = 0
      const times: number[] = []
      for (const pause of pauses) {
        advance(pause)
        time += pause
        if (taken('a', 1) === 1) times.push(time)
      }
      for (const [at, from] of times.entries()) {
        expect(times.slice(at).filter((each) => each < from + 60_000).length).toBeLessThanOrEqual(2 * perMinute)
      }
    }),
  )
})

test('to look counts nothing', () => {
  const { rate, taken } = open(2)
  for (let i = 0; i < 10; i++) expect(rate.look('a').isLeft).toBe(true)
  expect(taken('a', 5)).toBe(2)
  expect(rate.look('a').isLeft).toBe(false)
})

test('hundreds of thousands of addresses take the memory of those that are remembered, and nobody else pays', () => {
  const { rate, taken } = open(2, { maxKeys: 1_000 })
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 300_000; i++) rate.take(`2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::/64`)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20e6)
  expect(taken('honest', 5)).toBe(2)
})

test('0 is no limit', () => {
  const { rate } = open(0)
  for (let i = 0; i < 1_000; i++) expect(rate.take('a').isLeft).toBe(true)
  expect(rate.take('a').headers()).toEqual({})
})
