import { expect, test } from 'vitest'
import { eventPayload } from './payload.ts'

const body = Buffer.from('{"a":1}')

test('an event says what was stored as its payload', () => {
  expect(eventPayload({ body, payload: { b: 2 } })).toEqual({ b: 2 })
  expect(eventPayload({ body: Buffer.from('payload=%7B%7D'), payload: {} })).toEqual({})
})

test('without one it says what its body says', () => {
  expect(eventPayload({ body, payload: null })).toEqual({ a: 1 })
  expect(eventPayload({ body: Buffer.from('{"__proto__":{"a":"\\u0000"}}'), payload: null })).toEqual(
    JSON.parse('{"__proto__":{"a":"\\u0000"}}'),
  )
})

test('a rejected event, an empty manual trigger and a body that is not JSON say nothing', () => {
  expect(eventPayload({ body: null, payload: null })).toBeUndefined()
  expect(eventPayload({ body: Buffer.alloc(0), payload: null })).toBeUndefined()
  expect(eventPayload({ body: Buffer.from('payload=%7B%7D'), payload: null })).toBeUndefined()
})
