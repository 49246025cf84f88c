import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { standardHeaders } from '../../../test/fixtures/signed.ts'
import { codeOf } from '../../../test/refusal.ts'
import { standardWebhooks } from './standard-webhooks.ts'

const now = new Date('2026-01-01T00:00:00Z')
const secret = 'a-secret-of-32-characters-or-so!'
const source = standardWebhooks({ name: 'shop', secrets: [secret] })

function verify(of: typeof source, body: Buffer, headers: Headers) {
  return codeOf(() => of.verify(of.open(headers), body, now))
}

test("what the specification's own library signs is accepted, under whsec_ secrets and several at once", () => {
  const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_cm90YXRlZC1hd2F5LXNlY3JldA==']
  const rotating = standardWebhooks({ name: 'shop', secrets })
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(...secrets), (text, used) => {
      for (const name of ['webhook', 'svix']) {
        const headers = new Headers({
          'content-type': 'application/json',
          [`${name}-id`]: 'msg_1',
          [`${name}-timestamp`]: String(now.getTime() / 1000),
          [`${name}-signature`]: `v1,${'A'.repeat(43)}= ${new Webhook(used).sign('msg_1', now, text)}`,
        })
        expect(verify(rotating, Buffer.from(text), headers)).toBe('accepted')
        expect(verify(source, Buffer.from(text), headers)).toBe('signature_invalid')
      }
    }),
  )
})

test('a signed time is good for five minutes either way', () => {
  const body = Buffer.from('{}')
  const at = (seconds: number) => {
    const signedAt = new Date(now.getTime() + seconds * 1000)
    return verify(source, body, new Headers(standardHeaders(body, { secret, token: '', now: signedAt })))
  }
  expect([-300, 0, 300].map(at)).toEqual(['accepted', 'accepted', 'accepted'])
  expect([-301, 301].map(at)).toEqual(['signature_invalid', 'signature_invalid'])
})

test('the two sets of names are not mixed: each needs all three of its headers', () => {
  const body = Buffer.from('{}')
  const list = standardHeaders(body, { secret, token: '', now }).map(([name, value]) => [
    name === 'webhook-timestamp' ? 'svix-timestamp' : name,
    value,
  ])
  expect(verify(source, body, new Headers(list as [string, string][]))).toBe('header_missing')
})

test('what is kept of the headers is enough to verify the body again, under either name', () => {
  const body = Buffer.from('{"type":"a"}')
  for (const name of ['webhook', 'svix']) {
    const sent = new Headers(
      standardHeaders(body, { secret, token: '', now }).map(([header, value]): [string, string] => [
        header.replace('webhook', name),
        value,
      ]),
    )
    const kept = new Headers(source.keptHeaders.flatMap((each) => (sent.has(each) ? [[each, sent.get(each)!]] : [])))
    expect(verify(source, body, kept)).toBe('accepted')
  }
})

test.each(['whsk_abc', 'whpk_abc', 'whsec_', 'whsec_not base64!'])(
  'the secret %s is refused when the source is made',
  (wrong) => {
    expect(codeOf(() => standardWebhooks({ name: 'shop', secrets: [wrong] }))).toBe('config_invalid')
  },
)

test('without a secret nothing is accepted', () => {
  const closed = standardWebhooks({ name: 'shop', secrets: [''] })
  const body = Buffer.from('{}')
  const headers = new Headers(standardHeaders(body, { secret: '', token: '', now }))
  expect(verify(closed, body, headers)).toBe('source_closed')
})

test('the event is named by its type, and its id is the signed one', () => {
  const read = (value: unknown) => {
    const body = Buffer.from(JSON.stringify(value))
    const headers = standardHeaders(body, { secret, token: '', now }, { 'webhook-id': 'msg_7' })
    return source.normalise(source.open(new Headers(headers)), body)
  }
  expect(read({ type: 'order.paid', data: { id: 1 } })).toMatchObject({
    type: 'order.paid',
    deliveryId: 'msg_7',
    facts: {},
  })
  expect(read({ event: 'job.completed' }).type).toBe('job.completed')
  expect(read({ type: 'not a type' }).type).toBe('received')
  expect(read({})).not.toHaveProperty('payload')
  expect(read({ data: { environment: 'production', app_name: 'bot' } }).facts).toEqual({
    environment: 'production',
    app: 'bot',
  })
})
