import { assert, double, integer, nat, option, property, record, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge, retryAfterMs } from './retry.ts'
import type { SendResult } from './send.ts'

const now = new Date('2026-01-01T00:00:00Z')
function answer(change: Partial<SendResult> = {}): SendResult {
  return {
    statusCode: 500,
    error: null,
    reason: null,
    retryAfter: null,
    response: '',
    durationMs: 1,
    ...change,
  }
}
function judged(change: Partial<SendResult>, failures = 0, random = 0) {
  return judge(answer(change), { failures, now, random: () => random }).outcome
}

describe('what follows from an attempt', () => {
  it.each([200, 201, 202, 204, 299])('%i is success', (statusCode) => {
    expect(judged({ statusCode })).toEqual({ kind: 'completed', error: null })
  })

  it('a 2xx is success whatever became of the body after it, which the attempt keeps', () => {
    expect(judged({ statusCode: 200, error: 'response_timeout' })).toEqual({
      kind: 'completed',
      error: 'response_timeout',
    })
  })

  it('410 is failure for good: the receiver is gone', () => {
    expect(judge(answer({ statusCode: 410 }), { failures: 0, now })).toEqual({
      outcome: { kind: 'failed', error: 'http_410' },
      isGone: true,
    })
  })

  it.each([200, 404, 500, null])('%s does not say that the receiver is gone', (statusCode) => {
    expect(judge(answer({ statusCode }), { failures: 0, now }).isGone).toBe(false)
  })

  it.each([199, 301, 307, 308, 400, 401, 404, 408, 422, 429, 500, 503])('%i is repeated', (statusCode) => {
    expect(judged({ statusCode })).toEqual({ kind: 'retried', error: `http_${statusCode}`, delayMs: 5000 })
  })

  it('no answer is repeated, with its reason', () => {
    expect(judged({ statusCode: null, error: 'connection_refused' })).toMatchObject({ error: 'connection_refused' })
    expect(judged({ statusCode: null, error: 'tls_error', reason: 'certificate has expired' })).toMatchObject({
      error: 'tls_error: certificate has expired',
    })
  })

  it('waits as Standard Webhooks recommends: 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h', () => {
    const seconds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) => {
      const outcome = judged({}, failures)
      return outcome.kind === 'retried' ? outcome.delayMs / 1000 : null
    })
    expect(seconds).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400])
  })

  it.each([
    ['7', 429, 7000],
    ['7', 503, 7000],
    ['1', 429, 5000],
    ['3600', 429, 10_000],
    ['Thu, 01 Jan 2026 00:00:08 GMT', 503, 8000],
    ['Thu, 01 Jan 2020 00:00:00 GMT', 503, 5000],
    ['soon', 429, 5000],
    ['7', 500, 5000],
  ])('Retry-After %j on %i leads to %i ms after the first failure', (retryAfter, statusCode, delayMs) => {
    expect(judged({ retryAfter, statusCode })).toMatchObject({ kind: 'retried', delayMs })
  })

  it('is never sooner than the schedule nor later than two and a half times it, whatever was answered', () => {
    const scheduleMs = (failures: number) => {
      const outcome = judged({}, failures)
      return outcome.kind === 'retried' ? outcome.delayMs : Number.NaN
    }
    const anyAnswer = record({
      statusCode: option(integer({ min: 300, max: 599 }).filter((code) => code !== 410)),
      retryAfter: option(string()),
      failures: nat(40),
      random: double({ min: 0, max: 0.999, noNaN: true }),
    })
    assert(
      property(anyAnswer, ({ failures, random, ...change }) => {
        const outcome = judged(change, failures, random)
        if (outcome.kind !== 'retried') throw new Error('it must be repeated')
        expect(outcome.delayMs).toBeGreaterThanOrEqual(scheduleMs(failures))
        expect(outcome.delayMs).toBeLessThanOrEqual(scheduleMs(failures) * 2.4)
      }),
    )
  })
})

describe('Retry-After', () => {
  it('is seconds or a date, and nothing else', () => {
    expect(retryAfterMs('120', now)).toBe(120_000)
    expect(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000)
    for (const value of [null, '', '1.5', '-1', '1e3', 'tomorrow', '2026-01-01'])
      expect(retryAfterMs(value, now)).toBeNull()
  })
})
