import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../test/refusal.ts'
import { requireContentType, requireHeader, requireHeaderLike } from './header.ts'

function refusal(act: () => unknown): string {
  const error = refusalOf(act)
  return error ? `${error.code}: ${error.detail}` : 'accepted'
}

function typeOf(value?: string, supported = ['application/json']) {
  return requireContentType({ get: () => value ?? null }, supported)
}

describe('a required header', () => {
  test('is returned as it is, whatever the case of its name', () => {
    expect(requireHeader(new Headers({ 'X-Id': '7' }), 'x-id')).toBe('7')
  })

  test('that is absent or empty is named in the refusal', () => {
    for (const headers of [new Headers(), new Headers({ 'x-id': '' })]) {
      expect(refusal(() => requireHeader(headers, 'X-Id'))).toBe(
        'header_missing: X-Id: the header is missing or empty.',
      )
    }
  })

  test('that does not fit its pattern is, too, and one sent twice fits none', () => {
    const twice = new Headers([
      ['x-id', '7'],
      ['x-id', '8'],
    ])
    for (const headers of [twice, new Headers({ 'x-id': 'seven' })]) {
      expect(refusal(() => requireHeaderLike(headers, 'X-Id', /^\d+$/))).toBe(
        'header_invalid: X-Id: the header is malformed.',
      )
    }
  })
})

describe('the content type', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;Charset="UTF-8"; v=1',
    'application/json ; charset=utf8',
  ])('%s is JSON in UTF-8', (value) => {
    expect(typeOf(value)).toBe('application/json')
  })

  test.each([
    [undefined, 'The content type must be application/json or text/x.'],
    ['text/plain', 'The content type must be application/json or text/x, not text/plain.'],
    ['application/json; charset=latin1', 'The body must be UTF-8, not charset=latin1.'],
  ])('%s is refused with what would be accepted', (value, detail) => {
    expect(refusal(() => typeOf(value, ['application/json', 'text/x']))).toBe(`content_type_unsupported: ${detail}`)
  })

  test('of arbitrary text is accepted or refused in a short sentence of printable characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const answer = refusal(() => typeOf(value))
        expect(answer).toMatch(/^[\x20-\x7e]*$/)
        expect(answer.length).toBeLessThan(250)
      }),
    )
  })
})
