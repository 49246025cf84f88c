import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { readManual } from './manual.ts'

function trigger(body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  return readManual(Buffer.from(body), new Headers(headers))
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

test('the body is the payload, so none is stored besides', () => {
  expect(trigger('{"job_type":"ping"}')).not.toHaveProperty('payload')
  expect(trigger('', {})).not.toHaveProperty('payload')
})

test.each([
  ['{"job_type":"ping","priority":10}', '"priority": unknown field; the fields are job_type and payload.'],
  ['{"job_type":7}', 'job_type: must be 1 to 100 letters'],
  ['{}', 'job_type: must be 1 to 100 letters'],
])('%s is refused with the field and the remedy', (body, detail) => {
  expect(() => trigger(body)).toThrow(detail)
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
