// Expected errors come from one table; anything thrown has a text.
import { describe, expect, test } from 'vitest'
import type { ErrorCode } from './error.ts'
import { AppError, ERRORS, errorText, GiveUp, RetryAt } from './error.ts'

describe('the table of errors', () => {
  const rows = Object.entries(ERRORS)

  test.each(rows)('%s has an HTTP error status, a sentence, and a hint in the imperative', (code, row) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(row.status).toBeGreaterThanOrEqual(400)
    expect(row.status).toBeLessThan(600)
    expect(row.message).toMatch(/^[A-Z].*\.$/)
    expect(row.hint).toMatch(/^(Send|Correct|Configure|Check|Run|Use|See|Repeat|Set|Stop|Read)\b.*\.$/)
  })

  test('has no sentence twice', () => {
    expect(new Set(rows.map(([, { message }]) => message)).size).toBe(rows.length)
  })
})

describe('an expected error', () => {
  test('has the status, the sentence and the hint of its code', () => {
    const error = new AppError('not_found')
    const { status, message, hint } = ERRORS.not_found
    expect(error).toMatchObject({ name: 'AppError', code: 'not_found', status, message, detail: message, hint })
    expect(error).toBeInstanceOf(Error)
    expect(error.headers).toEqual({})
  })

  test('has its own detail, and headers for the answer', () => {
    const error = new AppError('rate_limited', 'limit: 10 per second', { headers: { 'retry-after': '1' } })
    expect(error).toMatchObject({ status: 429, detail: 'limit: 10 per second', message: 'limit: 10 per second' })
    expect(error.headers).toEqual({ 'retry-after': '1' })
  })

  test('has a cause only if one is given', () => {
    const cause = new Error('ECONNREFUSED')
    expect(new AppError('database_unavailable', undefined, { cause }).cause).toBe(cause)
    expect(Object.hasOwn(new AppError('database_unavailable'), 'cause')).toBe(false)
  })

  test('has a code of the table', () => {
    // @ts-expect-error: the type knows every code.
    const code: ErrorCode = 'no_such_code'
    expect(Object.hasOwn(ERRORS, code)).toBe(false)
  })
})

describe('the errors by which an agent controls its job', () => {
  test('have a name and a reason', () => {
    expect(new GiveUp('the branch is gone')).toMatchObject({ name: 'GiveUp', message: 'the branch is gone' })
    const when = new Date('2026-01-01T00:00:00Z')
    expect(new RetryAt(when, 'rate limit')).toMatchObject({ name: 'RetryAt', message: 'rate limit', when })
  })
})

describe('the text of what was thrown', () => {
  test.each([
    [new Error('no'), 'no'],
    [new TypeError(''), 'TypeError'],
    [new AppError('not_found', 'job: unknown'), 'job: unknown'],
    ['no', 'no'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ toString: (): string => 'an object' }, 'an object'],
  ])('%o', (thrown, text) => {
    expect(errorText(thrown)).toBe(text)
  })

  test('of several errors in one without a message has all of theirs', () => {
    const inner = new AggregateError([new Error('::1 refused'), 'again'])
    expect(errorText(new AggregateError([new Error('127.0.0.1 refused'), inner]))).toBe(
      '127.0.0.1 refused; ::1 refused; again',
    )
  })

  test('of several errors in one with a message is that message', () => {
    expect(errorText(new AggregateError([new Error('inside')], 'outside'))).toBe('outside')
  })
})
