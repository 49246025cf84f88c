import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from './clock.ts'
import { rateLimit } from './rate-limit.ts'

test('a burst passes at once, and then one at a time', () => {
  const clock = fakeClock()
  const limit = rateLimit(clock, { burst: 3, everyMs: 1000 })
  expect([limit.take(), limit.take(), limit.take(), limit.take()]).toEqual([true, true, true, false])
  clock.advance(999)
  expect(limit.take()).toBe(false)
  clock.advance(1)
  expect([limit.take(), limit.take()]).toEqual([true, false])
})

test('after a quiet time the whole burst is there again, and never more', () => {
  const clock = fakeClock()
  const limit = rateLimit(clock, { burst: 2, everyMs: 1000 })
  limit.take()
  limit.take()
  clock.advance(3_600_000)
  expect([limit.take(), limit.take(), limit.take()]).toEqual([true, true, false])
})

test('a refusal uses nothing up', () => {
  const clock = fakeClock()
  const limit = rateLimit(clock, { burst: 1, everyMs: 1000 })
  limit.take()
  for (let i = 0; i < 100; i++) limit.take()
  expect(limit.delayMs()).toBe(1000)
})

test('the delay shrinks as time passes', () => {
  const clock = fakeClock()
  const limit = rateLimit(clock, { burst: 1, everyMs: 1000 })
  expect(limit.delayMs()).toBe(0)
  limit.take()
  clock.advance(400)
  expect(limit.delayMs()).toBe(600)
  clock.advance(600)
  expect(limit.delayMs()).toBe(0)
})

test('reservations queue up, one after the other', () => {
  const clock = fakeClock()
  const limit = rateLimit(clock, { burst: 2, everyMs: 1000 })
  expect([1, 2, 3, 4, 5].map(() => limit.reserve())).toEqual([0, 0, 1000, 2000, 3000])
  expect(limit.delayMs()).toBe(4000)
  clock.advance(3000)
  expect([limit.delayMs(), limit.reserve()]).toEqual([1000, 1000])
})

test('a clock that is set back does not lengthen the wait', () => {
  const clock = fakeClock()
  const limit = rateLimit(clock, { burst: 1, everyMs: 1000 })
  limit.take()
  clock.advance(-3_600_000)
  expect(limit.delayMs()).toBe(1000)
  clock.advance(1000)
  expect(limit.take()).toBe(true)
})

const rates = fc.record({
  burst: fc.integer({ min: 1, max: 20 }),
  everyMs: fc.oneof(
    fc.integer({ min: 1, max: 2000 }),
    fc.integer({ min: 1, max: 100 }).map((perSecond) => 1000 / perSecond),
  ),
})

test('in no span of time more than the burst and the rate pass', () => {
  const steps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 })), { maxLength: 100 })
  fc.assert(
    fc.property(rates, steps, (rate, pauses) => {
      const clock = fakeClock()
      const limit = rateLimit(clock, rate)
      const taken: number[] = []
      for (const pause of pauses) {
        clock.advance(pause)
        const isFree = limit.delayMs() === 0
        expect(limit.take()).toBe(isFree)
        if (isFree) taken.push(clock.now().getTime())
      }
      for (const [from, start] of taken.entries()) {
        for (const [to, end] of taken.entries()) {
          if (to < from) continue
          expect(to - from + 1).toBeLessThanOrEqual(rate.burst + (end - start) / rate.everyMs + 0.001)
        }
      }
    }),
  )
})

test('one may always pass after the delay, and not a millisecond earlier', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 30 }), (rate, before) => {
      const clock = fakeClock()
      const limit = rateLimit(clock, rate)
      for (let i = 0; i < before; i++) limit.reserve()
      const delay = limit.delayMs()
      if (delay > 0) {
        clock.advance(delay - 1)
        expect(limit.take()).toBe(false)
        clock.advance(1)
      }
      expect(limit.take()).toBe(true)
    }),
  )
})
