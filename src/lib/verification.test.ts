import type { VerificationCode } from '@signalbox/sdk/scheme'
import { WebhookVerificationError } from '@signalbox/sdk/scheme'
import { expect, test } from 'vitest'
import { refusedWebhook } from './verification.ts'

test.each<[VerificationCode, string, number]>([
  ['missing_header', 'header_missing', 400],
  ['malformed_header', 'header_invalid', 400],
  ['malformed_body', 'body_invalid', 400],
  ['timestamp_too_old', 'signature_invalid', 401],
  ['timestamp_too_new', 'signature_invalid', 401],
  ['signature_mismatch', 'signature_invalid', 401],
  ['no_secret', 'source_closed', 503],
  ['invalid_secret', 'config_invalid', 500],
])('a verification that ends with %s is the error %s', (given, code, status) => {
  const error = refusedWebhook(new WebhookVerificationError(given, 'what is wrong', 'x-header'))
  expect(error).toMatchObject({ name: 'AppError', code, status, detail: 'x-header: what is wrong.' })
})

test('any other error stays as it is', () => {
  const bug = new TypeError('a bug')
  expect(refusedWebhook(bug)).toBe(bug)
})
