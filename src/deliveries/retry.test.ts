import { assert, double, integer, nat, option, property, record, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNANSWERED } from '../../test/send-result.ts'
import { judge, maxAttempts, retryAfterMs } from './retry.ts'
import type { SendResult } from './send.ts'

const now = new Date('2026-01-01T00:00:00Z')
function answer(change: Partial<SendResult> = {}): SendResult {
  return { ...UNANSWERED, statusCode: 500, response: '', durationMs: 1, ...change }
}
function judged(change: Partial<SendResult>, failures = 0, random = 0) {
  return judge(answer(change), { failures, deferrals: 0, now, random: () => random }).outcome
}

describe('what follows from an attempt', () => {
  it.each([200, 201, 202, 204, 299])('%i is success', (statusCode) => {
    expect(judged({ statusCode })).toEqual({ kind: 'completed' })
  })

  it.each(['response_timeout', 'response_reset', 'response_invalid'] as const)(
    'a 2xx whose answer broke off (%s) is repeated, because the receiver may have broken off too',
    (error) => {
      expect(judged({ statusCode: 200, error })).toMatchObject({ kind: 'retried', error })
    },
  )

  const verdict = (change: Partial<SendResult> & { deliveryControl?: string }) =>
    judge(answer(change), { failures: 0, deferrals: 0, now, random: () => 0 })

  it('410 is failure for good: the endpoint wants no more', () => {
    expect(verdict({ statusCode: 410 })).toEqual({
      outcome: { kind: 'failed', error: 'http_410' },
      kind: 'failure',
      goodbye: 'It answered 410 Gone.',
    })
  })

  it('"webhook-delivery: disable" says the same, with any status', () => {
    const goodbye = 'It answered "webhook-delivery: disable".'
    expect(verdict({ statusCode: 200, deliveryControl: 'disable' })).toMatchObject({
      outcome: { kind: 'completed' },
      goodbye,
    })
    expect(verdict({ deliveryControl: 'disable' })).toMatchObject({ outcome: { kind: 'failed' }, goodbye })
  })

  it('a chat that refuses says why in its own words, whatever the status', () => {
    const said = { error: 'refused', reason: 'no_service' } as const
    expect(verdict({ ...said, statusCode: 404, deliveryControl: 'disable' })).toEqual({
      outcome: { kind: 'failed', error: 'refused: no_service' },
      kind: 'failure',
      goodbye: 'It answered "no_service".',
    })
    const aborted = verdict({ ...said, statusCode: 400, deliveryControl: 'abort-message' })
    expect(aborted).toEqual({ outcome: { kind: 'failed', error: 'refused: no_service' }, kind: 'neither' })
    expect(verdict({ ...said, statusCode: 200 }).outcome).toMatchObject({
      kind: 'retried',
      error: 'refused: no_service',
    })
  })

  it('a forge that asks to wait is waited for, and what is not set up here is no fault of the endpoint', () => {
    const busy = verdict({ statusCode: null, error: 'forge_failed', retryAfter: '8' })
    expect(busy).toMatchObject({ outcome: { kind: 'retried', delayMs: 8000 }, waitMs: 8000 })
    expect(verdict({ statusCode: null, error: 'not_configured' })).toMatchObject({ kind: 'neither' })
  })

  it('"webhook-delivery: abort-message" ends this delivery, and says nothing of the endpoint', () => {
    expect(verdict({ deliveryControl: 'abort-message' })).toEqual({
      outcome: { kind: 'failed', error: 'http_500: aborted by the receiver' },
      kind: 'neither',
    })
  })

  it.each([200, 404, 500, null])('%s does not say that the endpoint wants no more', (statusCode) => {
    expect(verdict({ statusCode }).goodbye).toBeUndefined()
  })

  it('too many requests are no fault of the endpoint, which is left alone for as long as it asks', () => {
    expect(verdict({ statusCode: 429, retryAfter: '60' })).toMatchObject({ kind: 'neither', waitMs: 60_000 })
    expect(verdict({ statusCode: 503, retryAfter: '60' })).toMatchObject({ kind: 'failure', waitMs: 60_000 })
    expect(verdict({ statusCode: 503, retryAfter: '999999' }).waitMs).toBe(3_600_000)
    expect(verdict({ statusCode: 500, retryAfter: '60' }).waitMs).toBeUndefined()
  })

  describe('a connection that was refused or broke off at once', () => {
    const refused = (failures: number, deferrals = 0, durationMs = 1) =>
      judge(answer({ statusCode: null, error: 'connection_refused', durationMs }), {
        failures,
        deferrals,
        now,
        random: () => 0,
      }).outcome

    it('gets one more attempt after ten seconds before the long waits, once', () => {
      expect(refused(0)).toMatchObject({ kind: 'retried', delayMs: 5000 })
      expect(refused(1)).toMatchObject({ kind: 'deferred', delayMs: 10_000 })
      expect(refused(1, 1)).toMatchObject({ kind: 'retried', delayMs: 300_000 })
    })

    it('gets none when it took longer, or when no attempt is left', () => {
      expect(refused(1, 0, 1000)).toMatchObject({ kind: 'retried', delayMs: 300_000 })
      expect(refused(9)).toMatchObject({ kind: 'retried' })
    })
  })

  it('follows the schedule of the endpoint where it has one', () => {
    const schedule = [1, 60]
    const delays = [0, 1, 2].map((failures) => {
      const { outcome } = judge(answer(), { failures, deferrals: 0, schedule, now, random: () => 0 })
      return outcome.kind === 'retried' ? outcome.delayMs : null
    })
    expect(delays).toEqual([1000, 60_000, 60_000])
    expect([maxAttempts(schedule), maxAttempts([]), maxAttempts(null)]).toEqual([3, 1, 10])
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

describe('every class of answer at every attempt', () => {
  const SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
  const repeated = (error: string) => ({ kind: 'retried', error })
  const CLASSES: [string, Partial<SendResult>, { kind: string; error?: string }][] = [
    ['2xx', { statusCode: 204 }, { kind: 'completed' }],
    ['3xx', { statusCode: 302 }, repeated('http_302')],
    ['4xx', { statusCode: 404 }, repeated('http_404')],
    ['410', { statusCode: 410 }, { kind: 'failed', error: 'http_410' }],
    ['429', { statusCode: 429 }, repeated('http_429')],
    ['5xx', { statusCode: 502 }, repeated('http_502')],
    ['503 with Retry-After in the past', { statusCode: 503, retryAfter: '0' }, repeated('http_503')],
    ['timeout', { statusCode: null, error: 'timeout', durationMs: 15_000 }, repeated('timeout')],
    ['unknown name', { statusCode: null, error: 'dns_error' }, repeated('dns_error')],
    ['bad certificate', { statusCode: null, error: 'tls_error' }, repeated('tls_error')],
    [
      'refused after a while',
      { statusCode: null, error: 'connection_refused', durationMs: 3000 },
      repeated('connection_refused'),
    ],
    ['refused address', { statusCode: null, error: 'address_refused' }, repeated('address_refused')],
    ['2xx that broke off', { statusCode: 200, error: 'response_reset' }, repeated('response_reset')],
    ['disable', { statusCode: 500, deliveryControl: 'disable' }, { kind: 'failed' }],
    ['abort-message', { statusCode: 500, deliveryControl: 'abort-message' }, { kind: 'failed' }],
  ]
  const table = CLASSES.flatMap(([name, change, expected]) =>
    SECONDS.map((seconds, failures) => ({ name, change, expected, failures, seconds })),
  )

  it.each(table)('$name after $failures failures', ({ change, expected, failures, seconds }) => {
    const outcome = judged(change, failures)
    expect(outcome).toMatchObject(expected)
    if (outcome.kind === 'retried') expect(outcome.delayMs).toBe(seconds * 1000)
  })

  it('takes three days from the first attempt to the last', () => {
    expect(SECONDS.reduce((sum, each) => sum + each) / 3600).toBeCloseTo(75.6, 1)
  })
})
