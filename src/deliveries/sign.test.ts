import { createHmac } from 'node:crypto'
import { verifyAgenta, verifyStandard, verifyWebhook } from '@signalbox/sdk'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { generateSecret } from '../endpoints/endpoint.ts'
import { signedHeaders } from './sign.ts'

const text = JSON.stringify({
  event: 'environment.deployed',
  timestamp: '2025-11-20T10:30:00Z',
  delivery_id: 'delivery_1234567890',
  data: { app_name: 'bot → €' },
})
function sign(change: { secrets?: [string, ...string[]]; body?: Uint8Array; eventType?: string; at?: Date } = {}) {
  return signedHeaders({
    eventId: '01934e00-0000-7000-8000-00000000000a',
    eventType: 'environment.deployed',
    deliveryId: 'delivery_1234567890',
    body: Buffer.from(text),
    secrets: ['my_webhook_secret_key'],
    at: new Date(),
    version: '1.2.3',
    ...change,
  })
}

describe('the headers of a delivery', () => {
  it('are those of Standard Webhooks and of Agenta', () => {
    expect(sign({ at: new Date('2025-11-20T10:30:00.900Z') })).toEqual({
      'content-type': 'application/json',
      'user-agent': 'Signalbox/1.2.3',
      'webhook-id': '01934e00-0000-7000-8000-00000000000a',
      'webhook-timestamp': '1763634600',
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
      'x-agenta-event': 'environment.deployed',
      'x-agenta-delivery': 'delivery_1234567890',
      'x-agenta-signature': expect.stringMatching(/^sha256=[0-9a-f]{64}$/),
    })
  })

  it('agree with the vector every Standard Webhooks library is tested with', () => {
    const headers = signedHeaders({
      eventId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      eventType: 'test',
      deliveryId: 'd',
      body: Buffer.from('{"test": 2432232314}'),
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      at: new Date(1_614_265_330_000),
      version: '0',
    })
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  it('are verified by the standardwebhooks package, with any of several secrets', () => {
    const secrets: [string, ...string[]] = [generateSecret(), generateSecret(), 'my_webhook_secret_key']
    const headers = sign({ secrets })
    for (const secret of secrets) {
      const webhook = new Webhook(secret, secret.startsWith('whsec_') ? {} : { format: 'raw' })
      expect(webhook.verify(text, headers)).toEqual(JSON.parse(text))
    }
    expect(() => new Webhook(generateSecret()).verify(text, headers)).toThrow()
    expect(() => new Webhook(secrets[0]).verify(`${text} `, headers)).toThrow()
  })

  it("are verified by Agenta's own snippet, over the raw body and with the first secret", () => {
    // hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    const snippet = (secret: string) => createHmac('sha256', secret).update(text, 'utf8').digest('hex')
    for (const secret of ['my_webhook_secret_key', generateSecret()]) {
      expect(sign({ secrets: [secret, generateSecret()] })['x-agenta-signature']).toBe(`sha256=${snippet(secret)}`)
    }
  })

  it('are verified by the SDK in every form', async () => {
    for (const secret of ['my_webhook_secret_key', generateSecret()]) {
      const headers = sign({ secrets: [secret] })
      const input = { headers, body: text, secrets: secret }
      expect((await verifyStandard(input)).id).toBe(headers['webhook-id'])
      expect(await verifyAgenta(input)).toEqual({ timestampSeconds: null })
      expect((await verifyWebhook({ headers, body: text }, { secret })).event).toBe('environment.deployed')
    }
  })

  it('sign bytes as they are, also bytes that are not UTF-8', async () => {
    const body = Uint8Array.from([0xff, 0x00, 0xc3, 0x28])
    const secret = generateSecret()
    await verifyStandard({ headers: sign({ body, secrets: [secret] }), body, secrets: secret })
  })

  it('cannot be split by what a foreign event is called', () => {
    expect(sign({ eventType: 'push\r\nx-evil: 1 é' })['x-agenta-event']).toBe('push??x-evil: 1 ?')
  })
})
