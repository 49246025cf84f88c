import { createHmac, createSecretKey } from 'node:crypto'
import type { AgentaClaim } from '@signalbox/sdk/scheme'
import { readGithub, readStandard } from '@signalbox/sdk/scheme'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeOf } from '../../test/refusal.ts'
import { keysOf, liveSecrets, readClaim, requireDigest, requireSignature } from './signature.ts'

const now = new Date('2026-01-01T00:00:00Z')
const encodings = fc.constantFrom<'base64' | 'hex'>('hex', 'base64')

function sign(key: string, text: string, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac('sha256', key).update(text).digest(encoding)
}

test('the digest of prefix and body under any live key is accepted, in either encoding', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), encodings, (prefix, body, encoding) => {
      const candidates = ['0'.repeat(64), sign('second', prefix + body, encoding)]
      const check = (...keys: string[]) => requireDigest(keys, { prefix, encoding, candidates }, Buffer.from(body))
      expect(codeOf(() => check('first', 'second'))).toBe('accepted')
      expect(codeOf(() => check('first', 'third'))).toBe('signature_invalid')
    }),
  )
})

test('arbitrary candidates are refused, and nothing but the expected error is thrown', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), encodings, (candidates, encoding) => {
      expect(codeOf(() => requireDigest(['key'], { candidates, encoding }, Buffer.from('{}')))).toBe(
        'signature_invalid',
      )
    }),
  )
})

test('a signed time is good for five minutes either way, edges included', () => {
  const at = (offset: number) => {
    const claim: AgentaClaim = {
      scheme: 'agenta',
      header: 'x-agenta-signature',
      prefix: '',
      encoding: 'hex',
      candidates: [sign('key', '{}')],
      timestampSeconds: now.getTime() / 1000 + offset,
      timestampHeader: 'x-agenta-signature',
    }
    return codeOf(() => requireSignature([createSecretKey('key', 'utf8')], claim, Buffer.from('{}'), now))
  }
  expect([-300, 0, 300].map(at)).toEqual(['accepted', 'accepted', 'accepted'])
  expect([-301, 301, Number.NaN].map(at)).toEqual(['signature_invalid', 'signature_invalid', 'signature_invalid'])
})

test('without a key everything is refused as closed, and an empty secret is not a key', () => {
  const digests = { candidates: [sign('', '{}')], encoding: 'hex' } as const
  expect(codeOf(() => requireDigest([], digests, Buffer.from('{}')))).toBe('source_closed')
  expect(codeOf(() => requireDigest([''], digests, Buffer.from('{}')))).toBe('source_closed')
  expect(codeOf(() => requireDigest(['', 'key'], digests, Buffer.from('{}')))).toBe('signature_invalid')
  expect(liveSecrets(['', 'a', ''])).toEqual(['a'])
})

test("what is wrong with headers is this program's own error, and names the header", () => {
  expect(() => readClaim(readGithub, new Headers())).toThrow('x-hub-signature-256: the header is missing or empty.')
  const headers = new Headers({ 'webhook-id': 'a', 'webhook-timestamp': 'now', 'webhook-signature': 'v1,x' })
  expect(codeOf(() => readClaim(readStandard, headers))).toBe('header_invalid')
  expect(codeOf(() => readClaim(readGithub, new Headers()))).toBe('header_missing')
})

test('a secret that is not a shared one is a mistake of the configuration', () => {
  expect(codeOf(() => keysOf(['whpk_abc'], 'github'))).toBe('config_invalid')
  expect(codeOf(() => keysOf(['whsec_not base64!'], 'standard'))).toBe('config_invalid')
  expect(keysOf(['whsec_not base64!'], 'agenta').map((key) => key.export().toString())).toEqual(['whsec_not base64!'])
})
