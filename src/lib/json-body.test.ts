import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from './error.ts'
import { MAX_JSON_DEPTH, parseJson, parseJsonObject, parsePayloadForm } from './json-body.ts'

function bytes(text: string) {
  return Buffer.from(text)
}
function nested(levels: number) {
  return bytes(`{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`)
}

test('a JSON object comes back as it is', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary', maxDepth: 1 })),
      (value) => {
        const text = JSON.stringify(value)
        expect(parseJsonObject(bytes(text))).toEqual(JSON.parse(text))
      },
    ),
  )
})

test('arbitrary bytes are an object or body_invalid, never another error', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '1', 'a', '%'), { maxLength: 60 })
      .map((parts) => bytes(parts.join(''))),
  )
  fc.assert(
    fc.property(anything, fc.constantFrom(parseJsonObject, parsePayloadForm), (input, parse) => {
      try {
        expect(typeof parse(input)).toBe('object')
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
        expect((error as AppError).code).toBe('body_invalid')
      }
    }),
  )
})

test('nesting is allowed to a depth, and brackets inside strings do not count', () => {
  expect(() => parseJsonObject(nested(MAX_JSON_DEPTH))).not.toThrow()
  expect(() => parseJsonObject(nested(MAX_JSON_DEPTH + 1))).toThrow('nested deeper than 200 levels')
  const brackets = { a: '[{'.repeat(1000), b: '\\"[[' }
  expect(parseJsonObject(bytes(JSON.stringify(brackets)))).toEqual(brackets)
})

test('a __proto__ key is data, and changes no prototype', () => {
  const value = parseJsonObject(bytes('{"__proto__":{"admin":true}}'))
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect(({} as Record<string, unknown>).admin).toBeUndefined()
})

describe('a form', () => {
  test('returns the object in its payload, plus signs being spaces', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (value) => {
        const form = new URLSearchParams({ payload: JSON.stringify(value) }).toString()
        expect(parsePayloadForm(bytes(form))).toEqual(value)
      }),
    )
  })
})

test.each([
  ['empty', bytes(''), 'The body is empty.'],
  ['not JSON', bytes('{"a":}'), 'The body is not JSON.'],
  ['two values', bytes('{} {}'), 'The body is not JSON.'],
  ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'The body is not UTF-8.'],
  ['begun with a byte order mark', bytes('\ufeff{}'), 'The body is not JSON.'],
])('what is %s is refused', (_what, body, detail) => {
  expect(() => parseJson(body)).toThrow(expect.objectContaining({ code: 'body_invalid', detail }))
})

test('a value that is not an object is JSON, but not an object', () => {
  for (const text of ['null', '[]', '"a"', '1', 'true']) {
    expect(parseJson(bytes(text))).toEqual(JSON.parse(text))
    expect(() => parseJsonObject(bytes(text))).toThrow('The JSON is not an object.')
  }
})

test.each([
  ['no payload', 'other=1', 'must begin with its one field "payload"'],
  ['two payloads', 'payload={}&payload={}', 'must begin with its one field "payload"'],
  ['a broken escape', 'payload=%zz', 'is not percent-encoded UTF-8'],
  ['an escape that is not UTF-8', 'payload=%22%ff%22', 'is not percent-encoded UTF-8'],
])('a form with %s is refused', (_what, form, detail) => {
  expect(() => parsePayloadForm(bytes(form))).toThrow(detail)
})
