// The real clock leaves statements to the database; the clock of a test moves by hand only.
import { expect, test } from 'vitest'
import { fakeClock, systemClock } from './clock.ts'

test('the real clock has the time of the system, and leaves the time of statements to the database', () => {
  const before = Date.now()
  const now = systemClock.now().getTime()
  expect(now).toBeGreaterThanOrEqual(before)
  expect(now).toBeLessThanOrEqual(Date.now())
  expect(systemClock.sqlNow()).toBeNull()
})

test('the clock of a test stands still until it is advanced, for statements too', () => {
  const clock = fakeClock('2026-03-01T12:00:00Z')
  expect(clock.now()).toEqual(new Date('2026-03-01T12:00:00Z'))
  expect(clock.now()).toEqual(clock.now())
  clock.advance(1500)
  expect(clock.now()).toEqual(new Date('2026-03-01T12:00:01.500Z'))
  expect(clock.sqlNow()).toEqual(clock.now())
})

test('a time that was read stays as it was when the clock goes on', () => {
  const clock = fakeClock()
  const read = clock.now()
  clock.advance(60_000)
  expect(read).toEqual(new Date('2026-01-01T00:00:00Z'))
})
