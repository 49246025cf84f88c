import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AppError } from '../lib/error.ts'
import type { Claim } from './signature.ts'
import { liveSecrets, requireSignature } from './signature.ts'

const now = new Date('2026-01-01T00:00:00Z')
const seconds = now.getTime() / 1000

function verdict(keys: string[], claim: Partial<Claim>, body: Uint8Array = Buffer.from('{}')): string {
  try {
    const whole: Claim = { prefix: '', encoding: 'hex', candidates: [], timestampSeconds: null, ...claim }
    requireSignature(keys, whole, body, now)
    return 'accepted'
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

function sign(key: string, text: string, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac('sha256', key).update(text).digest(encoding)
}

test('the digest of prefix and body under any live key is accepted, in either encoding', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.constantFrom('hex', 'base64'), (prefix, body, encoding) => {
      const candidates = ['0'.repeat(64), sign('second', prefix + body, encoding)]
      expect(verdict(['first', 'second'], { prefix, encoding, candidates }, Buffer.from(body))).toBe('accepted')
      expect(verdict(['first', 'third'], { prefix, encoding, candidates }, Buffer.from(body))).toBe('signature_invalid')
    }),
  )
})

test('arbitrary candidates are refused, and nothing but the expected error is thrown', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.constantFrom('hex', 'base64'), (candidates, encoding) => {
      expect(verdict(['key'], { candidates, encoding })).toBe('signature_invalid')
    }),
  )
})

test('a signed time is good for five minutes either way, edges included', () => {
  const at = (offset: number) =>
    verdict(['key'], { candidates: [sign('key', '{}')], timestampSeconds: seconds + offset })
  expect([-300, 0, 300].map(at)).toEqual(['accepted', 'accepted', 'accepted'])
  expect([-301, 301, Number.NaN].map(at)).toEqual(['signature_invalid', 'signature_invalid', 'signature_invalid'])
})

test('without a key everything is refused as closed, and an empty secret is not a key', () => {
  expect(verdict([], { candidates: [sign('', '{}')] })).toBe('source_closed')
  expect(liveSecrets(['', 'a', ''])).toEqual(['a'])
})
