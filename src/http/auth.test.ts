import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Access } from './auth.ts'
import { authorise, isBareAndLocal } from './auth.ts'

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

describe('a bare request of this machine', () => {
  test.each(['localhost', 'localhost:8000', 'LOCALHOST', '127.0.0.1', '127.0.0.1:8000', '127.1.2.3:1', '[::1]:8000'])(
    'calls it %s',
    (host) => {
      expect(isBareAndLocal({ host, accept: '*/*', 'content-length': '0', 'user-agent': 'curl/8' })).toBe(true)
      expect(isBareAndLocal({ host, origin: 'http://localhost:8000', 'sec-fetch-site': 'same-origin' })).toBe(true)
      expect(isBareAndLocal({ host, 'sec-fetch-site': 'none' })).toBe(true)
    },
  )

  test.each<[what: string, headers: Record<string, string>]>([
    ['another name', { host: 'example.com' }],
    ['no name', { host: '' }],
    ['a name that only begins like it', { host: 'localhost.example.com' }],
    ['an address that only begins like it', { host: '127.0.0.1.example.com' }],
    ['an address in the place of the port', { host: 'example.com:127.0.0.1' }],
    ['another address', { host: '192.168.0.7:8000' }],
    ['any address', { host: '0.0.0.0:8000' }],
    ['a page in its browser', { origin: 'https://example.com' }],
    ['a page without an origin', { origin: 'null' }],
    ['a page of another port', { 'sec-fetch-site': 'same-site' }],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a body', { 'content-length': '2' }],
    ['a body without a length', { 'transfer-encoding': 'chunked' }],
    ['a token', { authorization: 'Bearer wrong' }],
    ...[
      'forwarded',
      'via',
      'x-forwarded',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-forwarded-server',
      'x-real-ip',
      'x-client-ip',
      'true-client-ip',
      'cf-connecting-ip',
      'cf-ray',
      'x-original-host',
      'ngrok-trace-id',
      'tailscale-user-login',
    ].map((name): [string, Record<string, string>] => [`a proxy's ${name}`, { [name]: 'x' }]),
  ])('has not %s', (_what, headers) => {
    expect(isBareAndLocal({ host: 'localhost:8000', ...headers })).toBe(false)
  })
})
