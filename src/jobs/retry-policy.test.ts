import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError, GiveUp, RetryAt } from '../lib/error.ts'
import { outcomeOf } from './retry-policy.ts'

const now = new Date('2026-01-01T00:00:00Z')
function read(error: unknown, failures = 0, random = () => 0) {
  return outcomeOf(error, { failures, now, random })
}

describe('what an error means for its job', () => {
  it('is the end when the agent gives up', () => {
    expect(read(new GiveUp('no such branch'))).toEqual({ kind: 'failed', error: 'no such branch' })
  })

  it('is put off to the time the agent names, or by a second if that has passed or is invalid', () => {
    const at = (ms: number) => new RetryAt(new Date(now.getTime() + ms), 'rate limited')
    expect(read(at(90_000))).toEqual({ kind: 'deferred', error: 'rate limited', delayMs: 90_000 })
    for (const ms of [-1, 0, 999, Number.NaN]) expect(read(at(ms))).toMatchObject({ kind: 'deferred', delayMs: 1000 })
  })

  it('is otherwise another attempt after a delay that doubles with every failure', () => {
    const delays = [0, 1, 2, 3].map((failures) => read(new AppError('forge_failed', 'GitHub is down'), failures))
    expect(delays.map((outcome) => outcome.kind === 'retried' && outcome.delayMs)).toEqual([1000, 2000, 4000, 8000])
    expect(delays[0]).toMatchObject({ error: 'GitHub is down' })
  })

  it('never waits more than ten minutes and a fifth, nor less than a second', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 32_767 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, random) => {
          const outcome = read(new Error('x'), failures, () => random)
          const delayMs = outcome.kind === 'retried' ? outcome.delayMs : Number.NaN
          expect(delayMs).toBeGreaterThanOrEqual(1000)
          expect(delayMs).toBeLessThanOrEqual(720_000)
        },
      ),
    )
  })
})
