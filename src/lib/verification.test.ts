import { checkTimestamp, readGithub, readStandard, secretKey, WebhookVerificationError } from '@signalbox/sdk/scheme'
import { expect, test } from 'vitest'
import { AppError } from './error.ts'
import { verificationFailure } from './verification.ts'

const SIGNED = {
  'webhook-id': 'a',
  'webhook-timestamp': '1000000',
  'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
}

/** The code and the sentence of what the SDK throws here. */
function failureOf(act: () => unknown) {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(WebhookVerificationError)
    const failure = verificationFailure(error)
    expect(failure).toBeInstanceOf(AppError)
    return failure as AppError
  }
  throw new Error('it was accepted')
}

test.each([
  ['header_missing', () => readGithub(new Headers())],
  ['header_invalid', () => readStandard(new Headers({ ...SIGNED, 'webhook-timestamp': 'now' }))],
  ['header_missing', () => readStandard(new Headers({ 'webhook-id': 'a' }))],
  ['config_invalid', () => secretKey('whsec_!', 'standard')],
])('a refusal is %s with a sentence', (code, act) => {
  expect(failureOf(act)).toMatchObject({ code, detail: expect.stringMatching(/\w\.$/) })
})

test.each([-400, 400])('a time %i seconds away is a signature that is not valid', (ageSeconds) => {
  const claim = readStandard(new Headers(SIGNED))
  expect(failureOf(() => checkTimestamp(claim, { nowSeconds: 1_000_000 + ageSeconds })).code).toBe('signature_invalid')
})

test('any other error stays what it is', () => {
  const bug = new TypeError('no')
  expect(verificationFailure(bug)).toBe(bug)
})
