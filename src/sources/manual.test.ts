import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { normaliseManual } from './manual.ts'

function trigger(body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  return normaliseManual(Buffer.from(body), new Headers(headers))
}

test('no body at all asks for ping, whatever the content type', () => {
  for (const headers of [{}, { 'content-type': 'application/x-www-form-urlencoded' }]) {
    const read = trigger('', headers)
    expect(read).toMatchObject({ type: 'manual', jobType: 'ping', input: undefined, subject: 'ping', facts: {} })
    expect(isUuid(read.deliveryId)).toBe(true)
  }
})

test('job type and payload come from the body, the payload being any JSON', () => {
  for (const payload of [{ task: 'Update documentation', files: ['README.md'] }, [1], 'text', null, 7]) {
    expect(trigger(JSON.stringify({ job_type: 'custom_task', payload }))).toMatchObject({
      jobType: 'custom_task',
      input: payload,
    })
  }
  expect(trigger('{"job_type":"ping"}').input).toBeUndefined()
})

test('two triggers are two events, unless they have one idempotency key', () => {
  expect(trigger('', {}).deliveryId).not.toBe(trigger('', {}).deliveryId)
  expect(trigger('', { 'idempotency-key': 'once' }).deliveryId).toBe('once')
})

test('arbitrary bodies are a trigger or an expected error', () => {
  const body = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json({ maxDepth: 1 }),
    fc
      .dictionary(fc.constantFrom('job_type', 'payload', '__proto__', 'x'), fc.jsonValue({ maxDepth: 1 }))
      .map((value) => JSON.stringify(value)),
  )
  fc.assert(
    fc.property(body, (text) => {
      try {
        expect(trigger(text).jobType).toMatch(/^[A-Za-z0-9]/)
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
        expect(['body_invalid', 'input_invalid']).toContain((error as AppError).code)
      }
    }),
  )
})
