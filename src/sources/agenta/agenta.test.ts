import { createHash } from 'node:crypto'
import { isEnvironmentDeployed } from '@signalbox/sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AGENTA_DEPLOYMENT, SEED_DEPLOYMENT } from '../../../test/fixtures/payloads.ts'
import { agentaHeaders, bodySignature, standardHeaders, timedSignature } from '../../../test/fixtures/signed.ts'
import { AppError } from '../../lib/error.ts'
import { agenta } from './agenta.ts'

const now = new Date('2026-01-01T00:00:00Z')
const keys = { secret: 'my_webhook_secret_key', token: '', now }
const source = agenta({ secrets: ['another-live-secret-here', keys.secret] })
function bytes(value: unknown) {
  return Buffer.from(JSON.stringify(value))
}

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
  return 'accepted'
}

function withSignature(body: Buffer, signature: string, at = now) {
  return codeOf(() => source.verify(body, new Headers({ 'x-agenta-signature': signature }), at))
}

function read(value: unknown, changes: Record<string, string | undefined> = {}) {
  return source.normalise(bytes(value), new Headers(agentaHeaders(bytes(value), keys, changes)))
}

describe('the signature', () => {
  const body = bytes(SEED_DEPLOYMENT)

  test("in each of Agenta's forms is accepted for any body, and refused when a bit has changed", () => {
    const forms = [bodySignature, timedSignature(), (b: Uint8Array, k: typeof keys) => bodySignature(b, k).slice(7)]
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.nat(),
        fc.nat({ max: 7 }),
        fc.constantFrom(...forms),
        (raw, place, bit, sign) => {
          const signature = sign(raw, keys)
          expect(withSignature(Buffer.from(raw), signature)).toBe('accepted')
          const changed = Buffer.from(raw)
          changed[place % raw.length]! ^= 1 << bit
          expect(withSignature(changed, signature)).toBe('signature_invalid')
        },
      ),
    )
  })

  test('with a time is good for five minutes either way', () => {
    const signature = timedSignature()(body, keys)
    const later = (seconds: number) => new Date(now.getTime() + seconds * 1000)
    expect(withSignature(body, signature, later(300))).toBe('accepted')
    expect(withSignature(body, signature, later(-300))).toBe('accepted')
    expect(withSignature(body, signature, later(301))).toBe('signature_invalid')
    expect(withSignature(body, signature, later(-301))).toBe('signature_invalid')
  })

  test('may be one of several v1 items, spaces between them being nothing', () => {
    const [t, v1] = timedSignature()(body, keys).split(',')
    expect(withSignature(body, `${t}, v1=${'0'.repeat(64)}, ${v1}, v0=old`)).toBe('accepted')
  })

  test('of arbitrary text is refused as an expected error', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.constantFrom('t=', 'v1=', ',', '1', 'ab', 'sha256=', ' ')).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (value) => {
        const headers = { get: (name: string) => (name.startsWith('webhook') ? null : value) }
        expect(['header_missing', 'header_invalid', 'signature_invalid']).toContain(
          codeOf(() => source.verify(body, headers, now)),
        )
      }),
    )
  })

  test('of Standard Webhooks is accepted, and decides alone when there', () => {
    const verify = (changes: Record<string, string | undefined>) =>
      codeOf(() => source.verify(body, new Headers(standardHeaders(body, keys, changes)), now))
    expect(verify({})).toBe('accepted')
    expect(verify({ 'x-agenta-signature': 'sha256=wrong' })).toBe('accepted')
    expect(verify({ 'webhook-id': 'other', 'x-agenta-signature': bodySignature(body, keys) })).toBe('signature_invalid')
  })
})

test('without a secret the source is closed', () => {
  const closed = agenta({ secrets: [] })
  expect(codeOf(() => closed.checkHeaders(new Headers()))).toBe('source_closed')
  expect(codeOf(() => closed.verify(Buffer.from('{}'), new Headers({ 'x-agenta-signature': 'x' }), now))).toBe(
    'source_closed',
  )
})

test("the seed's payload is read as it is", () => {
  expect(read(SEED_DEPLOYMENT)).toEqual({
    type: 'environment.deployed',
    deliveryId: 'delivery_1234567890',
    subject: 'customer-support-bot@production',
    actor: 'jane@company.com',
    facts: {
      environment: 'production',
      app: 'customer-support-bot',
      project: 'project_abc',
      author: 'jane@company.com',
    },
    payload: SEED_DEPLOYMENT,
  })
})

describe("today's payload", () => {
  test("is read into the seed's form, every field a handler needs being there", () => {
    const { payload, ...rest } = read(AGENTA_DEPLOYMENT, { 'x-agenta-event': undefined })
    expect(rest).toEqual({
      type: 'environment.deployed',
      deliveryId: '01961234-5678-7abc-9def-123456789abc',
      subject: 'customer-support-bot@production',
      actor: '019315dc-a332-7ba5-a426-d079c43ab776',
      facts: {
        environment: 'production',
        app: 'customer-support-bot',
        project: '01961234-bbbb-7abc-9def-123456789abc',
        author: '019315dc-a332-7ba5-a426-d079c43ab776',
      },
    })
    expect(isEnvironmentDeployed(payload)).toBe(true)
    expect(payload).toMatchObject({
      timestamp: '2026-04-07T11:24:18.000Z',
      data: {
        variant_name: 'production',
        variant_id: 'variant-1',
        revision: 8,
        commit_message: 'Shorter answers',
        config_diff: { added: {}, modified: AGENTA_DEPLOYMENT.event.attributes.diff.updated, removed: {} },
        deployment_id: 'environment-revision-8',
      },
    })
  })

  test('of two applications at once, which the seed has no form for, keeps its own name and payload', () => {
    const two = structuredClone(AGENTA_DEPLOYMENT)
    Object.assign(two.event.attributes.diff.created, { 'other.revision': { new: {} } })
    expect(read(two)).toMatchObject({
      type: 'environments.revisions.committed',
      subject: '@production',
      facts: { environment: 'production' },
      payload: two,
    })
  })

  test('of another event keeps its name', () => {
    const event = { event_id: 'e1', event_type: 'webhooks.subscriptions.tested' }
    expect(read({ event })).toMatchObject({ type: 'webhooks.subscriptions.tested', deliveryId: 'e1', facts: {} })
  })
})

describe('the delivery id', () => {
  test('is the one in the signed body, which a replay cannot change', () => {
    expect(read(SEED_DEPLOYMENT, { 'x-agenta-delivery': 'another' }).deliveryId).toBe('delivery_1234567890')
  })

  test.each(['x-agenta-delivery', 'x-agenta-delivery-id', 'idempotency-key', 'webhook-id'])(
    'is else that of %s',
    (name) => {
      expect(read({ event: 'x' }, { 'x-agenta-delivery': undefined, [name]: 'd-1' }).deliveryId).toBe('d-1')
    },
  )

  test('is else the hash of the body', () => {
    const hash = createHash('sha256').update('{"event":"x"}').digest('hex')
    expect(read({ event: 'x' }, { 'x-agenta-delivery': undefined }).deliveryId).toBe(`sha256:${hash}`)
  })
})

test('the type is that of the body, else that of a header', () => {
  expect(read({ event: 'a.b' }, { 'x-agenta-event': 'c.d' }).type).toBe('a.b')
  expect(read({}, { 'x-agenta-event': 'c.d' }).type).toBe('c.d')
  expect(read({}, { 'x-agenta-event': undefined, 'x-agenta-event-type': 'e.f' }).type).toBe('e.f')
})

test('whatever the JSON, normalising gives an event or an expected error', () => {
  const key = fc.constantFrom(
    'event',
    'data',
    'event_type',
    'attributes',
    'references',
    'environment',
    'diff',
    'created',
    'updated',
    'new',
    'slug',
    'delivery_id',
    '__proto__',
  )
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.jsonValue({ stringUnit: 'binary' }),
      fc.constant('environments.revisions.committed'),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(value, (payload) => {
      expect(['accepted', 'body_invalid']).toContain(codeOf(() => read(payload, { 'x-agenta-event': undefined })))
    }),
    { numRuns: 1000 },
  )
})
