// New ids sort in the order they were made in; computed ids depend on their names alone.
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { idFor, isUuid, newId, timeOf } from './id.ts'

function millisecondOf(id: string): number {
  return timeOf(id).getTime()
}

describe('a new id', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is a UUID of version 7 and the variant of RFC 9562', () => {
    for (let i = 0; i < 1000; i++) {
      expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  test('has the current millisecond', () => {
    const before = Date.now()
    const made = millisecondOf(newId())
    expect(made).toBeGreaterThanOrEqual(before)
    expect(made).toBeLessThanOrEqual(Date.now())
  })

  test('keeps the millisecond it is made for, whatever the order of the times', () => {
    const times = fc.array(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }))
    fc.assert(
      fc.property(times, (dates) => {
        expect(dates.map((at) => millisecondOf(newId(at)))).toEqual(dates.map((at) => at.getTime()))
      }),
    )
  })

  test('sorts after every one made before it, within one millisecond too', () => {
    const ids = Array.from({ length: 20_000 }, () => newId())
    expect(ids).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('sorts after every one made before it for the same time', () => {
    const at = new Date('2026-01-01T00:00:00.123Z')
    // The times other ids are made for do not matter, nor do ids made for no time.
    const ids = Array.from({ length: 5000 }, (_, i) => {
      if (i % 10 === 0) newId()
      return newId(at)
    })
    expect(ids).toEqual([...ids].sort())
    expect(new Set(ids.map(millisecondOf))).toEqual(new Set([at.getTime()]))
  })

  test('sorts after every one made before it when the clock of the system is set back', async () => {
    vi.resetModules()
    const { newId } = await import('./id.ts')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1000 })
    const first = newId()
    const ahead = Date.now()
    vi.setSystemTime(ahead - 3_600_000)
    const back = Array.from({ length: 100 }, () => newId())
    vi.setSystemTime(ahead + 1)
    const later = newId()
    const ids = [first, ...back, later]
    expect(ids).toEqual([...ids].sort())
    expect(millisecondOf(later)).toBe(ahead + 1)
  })

  test('is not pushed ahead by one that was made for the far future', () => {
    newId(new Date('2999-01-01T00:00:00Z'))
    expect(millisecondOf(newId())).toBeLessThanOrEqual(Date.now())
  })

  test('keeps the order of any run of times that never go back', () => {
    const steps = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), steps, (start, gaps) => {
        let ms = start
        const ids = gaps.map((gap) => {
          ms += gap
          return newId(new Date(ms))
        })
        expect(ids).toEqual([...ids].sort())
        expect(new Set(ids).size).toBe(ids.length)
      }),
    )
  })

  test('cannot be guessed from another one of the same millisecond', () => {
    const at = new Date()
    const ends = Array.from({ length: 1000 }, () => newId(at).slice(-12))
    expect(new Set(ends).size).toBe(1000)
  })

  test('is refused for a time before 1970, which no UUIDv7 can have', () => {
    expect(() => newId(new Date(-1))).toThrow(RangeError)
  })
})

describe('a computed id', () => {
  test('is a UUID of version 8, always the same for the same names', () => {
    // A change of this value would make every event's jobs twice.
    expect(idFor('event', 'rule')).toBe('9c7963c2-778f-82e8-8ff5-e20e36203bea')
    expect(idFor('event', 'rule')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('differs when names differ, also in where one ends and the next begins', () => {
    const names = fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 })
    fc.assert(
      fc.property(names, names, (a, b) => {
        expect(idFor(...a) === idFor(...b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
    )
    expect(idFor('ab', 'c')).not.toBe(idFor('a', 'bc'))
  })
})

describe('a text', () => {
  test('is a UUID in any case, and of any version', () => {
    expect(isUuid(newId())).toBe(true)
    expect(isUuid(newId().toUpperCase())).toBe(true)
    expect(isUuid('00000000-0000-0000-0000-000000000000')).toBe(true)
  })

  test.each([
    '',
    'nonsense',
    '0190f5b2-7f1e-7c3a-9b1d-2f4a6c8e0b1',
    ' 0190f5b2-7f1e-7c3a-9b1d-2f4a6c8e0b1d',
    '0190f5b2-7f1e-7c3a-9b1d-2f4a6c8e0b1d\n',
    '0190f5b27f1e7c3a9b1d2f4a6c8e0b1d',
    '0190f5b2-7f1e-7c3a-9b1d-2f4a6c8e0b1g',
  ])('%j is no UUID', (text) => {
    expect(isUuid(text)).toBe(false)
  })
})
