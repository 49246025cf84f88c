// The pause before the next attempt doubles, is bounded, and differs between callers.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

const limits = { baseMs: 100, maxMs: 10_000 }

describe('the pause before the next attempt', () => {
  test('doubles from the base to the limit', () => {
    const pauses = [1, 2, 3, 7, 8, 9].map((attempt) => backoffMs(attempt, { ...limits, random: () => 0 }))
    expect(pauses).toEqual([100, 200, 400, 6400, 10_000, 10_000])
  })

  test('is up to a fifth longer by chance, also at the limit', () => {
    expect(backoffMs(1, { ...limits, random: () => 0.5 })).toBe(110)
    expect(backoffMs(50, { ...limits, random: () => 0.999999 })).toBe(12_000)
  })

  test('differs between callers that failed at the same moment', () => {
    const pauses = Array.from({ length: 50 }, () => backoffMs(5, limits))
    expect(new Set(pauses).size).toBeGreaterThan(10)
  })

  test('is a whole number between the base and 1.2 times the limit, for any attempt and limits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, baseMs, factor, chance) => {
          const maxMs = baseMs * factor
          const pause = backoffMs(attempt, { baseMs, maxMs, random: () => chance })
          expect(Number.isInteger(pause)).toBe(true)
          expect(pause).toBeGreaterThanOrEqual(baseMs)
          expect(pause).toBeLessThanOrEqual(Math.round(maxMs * 1.2))
        },
      ),
    )
  })

  test('never gets shorter with another attempt', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), (attempt) => {
        const at = (n: number) => backoffMs(n, { ...limits, random: () => 0.3 })
        expect(at(attempt + 1)).toBeGreaterThanOrEqual(at(attempt))
      }),
    )
  })
})
