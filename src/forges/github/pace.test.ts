import { expect, test } from 'vitest'
import { fakeClock } from '../../lib/clock.ts'
import { RetryAt } from '../../lib/error.ts'
import { failure } from './fixtures/stage.ts'
import { pace } from './pace.ts'

test('writes pass in a burst, then one each time', async () => {
  const clock = fakeClock()
  const pass = pace({ burst: 3, everyMs: 60_000, clock })
  for (let write = 0; write < 3; write += 1) await pass()
  expect(await failure(pass())).toBeInstanceOf(RetryAt)
  clock.advance(60_000)
  await pass()
  expect(await failure(pass())).toBeInstanceOf(RetryAt)
})

test('a short wait is waited for', async () => {
  const clock = fakeClock()
  const pass = pace({ burst: 1, everyMs: 30, clock })
  const started = performance.now()
  await pass()
  await pass()
  expect(performance.now() - started).toBeGreaterThanOrEqual(25)
})

test('a long one is left to the job, which learns when to come back, and uses nothing up', async () => {
  const clock = fakeClock('2026-01-01T00:00:00Z')
  const pass = pace({ burst: 1, everyMs: 60_000, clock })
  await pass()
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const error = (await failure(pass())) as RetryAt
    expect(error.when).toEqual(new Date('2026-01-01T00:01:00Z'))
    expect(error.message).toBe('Many writes to GitHub are waiting already.')
  }
})
