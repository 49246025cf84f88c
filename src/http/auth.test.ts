import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Access } from './auth.ts'
import { authorise } from './auth.ts'

const TOKEN = 'an-api-token-of-32-characters-yes'

/** The code a request with these headers is refused with; null when it is let in. */
function refusal(access: Access, headers: Record<string, string> = {}): string | null {
  try {
    authorise(access, { get: (name) => headers[name.toLowerCase()] ?? null })
    return null
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('with a token', () => {
  const access: Access = { kind: 'token', token: TOKEN }

  test.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN}`])('%j is let in', (authorization) => {
    expect(refusal(access, { authorization })).toBe(null)
  })

  test.each([
    undefined,
    '',
    TOKEN,
    'Bearer',
    'Bearer ',
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Bearer ${TOKEN} x`,
    `Bearer x ${TOKEN}`,
  ])('%j is not', (authorization) => {
    expect(refusal(access, authorization === undefined ? {} : { authorization })).toBe('token_invalid')
  })

  test('nothing but the token is let in, and being on this machine does not help', () => {
    fc.assert(
      fc.property(fc.string(), (guess) => {
        fc.pre(guess.trim() !== TOKEN)
        expect(refusal(access, { authorization: `Bearer ${guess}`, host: 'localhost' })).toBe('token_invalid')
      }),
    )
  })
})

test('without a token in production nobody is let in, and the answer says what is missing', () => {
  const headers = { authorization: `Bearer ${TOKEN}`, host: 'localhost' }
  expect(refusal({ kind: 'closed' }, headers)).toBe('api_closed')
  expect(() => authorise({ kind: 'closed' }, new Headers())).toThrow('SIGNALBOX_API_TOKEN')
})

describe('in development', () => {
  const access: Access = { kind: 'loopback' }

  test.each(['localhost', 'localhost:8000', 'LOCALHOST', '127.0.0.1', '127.0.0.1:8000', '127.1.2.3:1', '[::1]:8000'])(
    'this machine, as %s, is let in',
    (host) => {
      expect(refusal(access, { host })).toBe(null)
      expect(refusal(access, { host, origin: 'http://localhost:5173' })).toBe(null)
    },
  )

  test.each([
    {},
    { host: 'example.com' },
    { host: 'localhost.example.com' },
    { host: '127.0.0.1.example.com' },
    { host: 'example.com:127.0.0.1' },
    { host: '192.168.0.7:8000' },
    { host: '0.0.0.0:8000' },
    // A page in the browser of this machine.
    { host: 'localhost:8000', origin: 'https://example.com' },
    { host: 'localhost:8000', origin: 'null' },
    // A tunnel that calls itself localhost.
    { host: 'localhost:8000', 'x-forwarded-for': '203.0.113.7' },
    { host: 'localhost:8000', 'x-forwarded-host': 'box.example.com' },
    { host: 'localhost:8000', forwarded: 'for=203.0.113.7' },
  ])('%j is not', (headers) => {
    expect(refusal(access, headers)).toBe('token_invalid')
  })
})
