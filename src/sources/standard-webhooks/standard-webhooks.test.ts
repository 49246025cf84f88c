import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { standardHeaders } from '../../../test/fixtures/signed.ts'
import { AppError } from '../../lib/error.ts'
import { standardWebhooks } from './standard-webhooks.ts'

const now = new Date('2026-01-01T00:00:00Z')
const secret = 'a-secret-of-32-characters-or-so!'
const source = standardWebhooks({ name: 'shop', secrets: [secret] })

function refuses(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
  return 'accepted'
}

test("what the specification's own library signs is accepted, under whsec_ secrets and several at once", () => {
  const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_cm90YXRlZC1hd2F5LXNlY3JldA==']
  const rotating = standardWebhooks({ name: 'shop', secrets })
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(...secrets), (text, used) => {
      const headers = new Headers({
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(now.getTime() / 1000),
        'webhook-signature': `v1,${'A'.repeat(43)}= ${new Webhook(used).sign('msg_1', now, text)}`,
      })
      expect(refuses(() => rotating.verify(Buffer.from(text), headers, now))).toBe('accepted')
      expect(refuses(() => source.verify(Buffer.from(text), headers, now))).toBe('signature_invalid')
    }),
  )
})

test.each(['whsk_abc', 'whpk_abc', 'whsec_', 'whsec_not base64!'])(
  'the secret %s is refused when the source is made',
  (wrong) => {
    expect(refuses(() => standardWebhooks({ name: 'shop', secrets: [wrong] }))).toBe('config_invalid')
  },
)

test('without a secret it is closed', () => {
  const closed = standardWebhooks({ name: 'shop', secrets: [''] })
  const body = Buffer.from('{}')
  const headers = new Headers(standardHeaders(body, { secret: '', token: '', now }))
  expect(refuses(() => closed.checkHeaders(headers))).toBe('source_closed')
  expect(refuses(() => closed.verify(body, headers, now))).toBe('source_closed')
})

test('the event is named by its type, or after the source, and its id is the signed one', () => {
  const read = (value: unknown) => {
    const body = Buffer.from(JSON.stringify(value))
    return source.normalise(
      body,
      new Headers(standardHeaders(body, { secret, token: '', now }, { 'webhook-id': 'msg_7' })),
    )
  }
  expect(read({ type: 'order.paid', data: { id: 1 } })).toMatchObject({
    type: 'order.paid',
    deliveryId: 'msg_7',
    facts: {},
  })
  expect(read({ event: 'job.completed' }).type).toBe('job.completed')
  expect(read({ type: 'not a type' }).type).toBe('shop')
  expect(read({ data: { environment: 'production', app_name: 'bot' } }).facts).toEqual({
    environment: 'production',
    app: 'bot',
  })
})
