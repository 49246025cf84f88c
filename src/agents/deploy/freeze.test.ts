import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Freeze } from './freeze.ts'
import { frozenAt, isDate, isTimeZone, WEEKDAYS } from './freeze.ts'

function at(text: string): Date {
  return new Date(text)
}

test('a window of days and times holds in its time zone, and goes on past midnight', () => {
  const weekend: Freeze[] = [{ days: ['fri'], from: '16:00', until: '08:00', reason: 'the weekend' }]
  const frozen = (text: string) => frozenAt(weekend, 'Europe/Berlin', at(text))
  // Friday, 16:00 in Berlin, in winter.
  expect(frozen('2026-01-09T14:59:59Z')).toBeNull()
  expect(frozen('2026-01-09T15:00:00Z')).toEqual({
    during: 'wait',
    until: at('2026-01-10T07:00:00Z'),
    reason: 'the weekend',
  })
  expect(frozen('2026-01-10T06:59:00Z')).not.toBeNull()
  expect(frozen('2026-01-10T07:00:00Z')).toBeNull()
  // In summer an hour earlier by UTC.
  expect(frozen('2026-07-10T14:00:00Z')?.until).toEqual(at('2026-07-11T06:00:00Z'))
})

test('the end is that of all windows that follow each other, over a change of the clocks too', () => {
  const windows: Freeze[] = [
    { days: ['sat', 'sun'] },
    { dates: { from: '2026-03-30', until: '2026-03-30' }, during: 'refuse' },
    { from: '22:00', until: '06:00' },
  ]
  expect(frozenAt(windows, 'Europe/Berlin', at('2026-03-27T21:30:00Z'))).toEqual({
    during: 'wait',
    until: at('2026-03-31T04:00:00Z'),
    reason: null,
  })
  expect(frozenAt(windows, 'Europe/Berlin', at('2026-03-30T20:30:00Z'))?.during).toBe('refuse')
})

test('one without an end in sight has none', () => {
  expect(frozenAt([{ days: WEEKDAYS }], 'UTC', at('2026-01-01T00:00:00Z'))?.until).toBeNull()
})

test('the end is the first minute that is not frozen, whatever the windows', () => {
  const clockTime = fc.tuple(fc.nat(23), fc.constantFrom(0, 15, 30, 59)).map(([h, m]) => {
    return `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`
  })
  const window: fc.Arbitrary<Freeze> = fc.oneof(
    fc.record({ days: fc.subarray([...WEEKDAYS], { minLength: 1 }), from: clockTime, until: clockTime }),
    fc.record({ from: clockTime, until: clockTime }),
  )
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns')
  const time = fc.date({ min: at('2026-01-01T00:00:00Z'), max: at('2026-12-31T00:00:00Z'), noInvalidDate: true })
  fc.assert(
    fc.property(fc.array(window, { maxLength: 3 }), zone, time, (windows, timeZone, now) => {
      const until = frozenAt(windows, timeZone, now)?.until
      if (until == null) return
      expect(until.getTime()).toBeGreaterThan(now.getTime())
      expect(frozenAt(windows, timeZone, until)).toBeNull()
      expect(frozenAt(windows, timeZone, new Date(until.getTime() - 60_000))).not.toBeNull()
    }),
    { numRuns: 60 },
  )
})

test('dates and time zones are those that there are', () => {
  expect(['2026-02-28', '2026-02-30', '26-1-1', ''].map(isDate)).toEqual([true, false, false, false])
  expect(['UTC', 'Europe/Berlin', 'Mars/Base', ''].map(isTimeZone)).toEqual([true, true, false, false])
})
