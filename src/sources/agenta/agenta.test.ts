import { createHash } from 'node:crypto'
import { isEnvironmentDeployed } from '@signalbox/sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AGENTA_DEPLOYMENT, FIRST_DEPLOYMENT } from '../../../test/fixtures/payloads.ts'
import { agentaHeaders, bodySignature, standardHeaders, timedSignature } from '../../../test/fixtures/signed.ts'
import { codeOf } from '../../../test/refusal.ts'
import { agenta } from './agenta.ts'
import { readAgenta } from './payload.ts'

const now = new Date('2026-01-01T00:00:00Z')
const keys = { secret: 'my_webhook_secret_key', token: '', now }
const source = agenta({ secrets: ['another-live-secret-here', keys.secret] })

function bytes(value: unknown) {
  return Buffer.from(JSON.stringify(value))
}

function withSignature(body: Buffer, signature: string, at = now) {
  const headers = new Headers({ 'content-type': 'application/json', 'x-agenta-signature': signature })
  return codeOf(() => source.verify(source.open(headers), body, at))
}

function read(value: unknown, changes: Record<string, string | undefined> = {}) {
  return source.normalise(source.open(new Headers(agentaHeaders(bytes(value), keys, changes))), bytes(value))
}

describe('the signature', () => {
  const body = bytes(FIRST_DEPLOYMENT)

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
        const all: Record<string, string> = { 'content-type': 'application/json', 'x-agenta-signature': value }
        const headers = { get: (name: string) => all[name.toLowerCase()] ?? null }
        expect(['header_missing', 'header_invalid', 'signature_invalid']).toContain(
          codeOf(() => source.verify(source.open(headers), body, now)),
        )
      }),
    )
  })

  test('of Standard Webhooks is accepted, and decides alone when there', () => {
    const verify = (changes: Record<string, string | undefined>) =>
      codeOf(() => source.verify(source.open(new Headers(standardHeaders(body, keys, changes))), body, now))
    expect(verify({})).toBe('accepted')
    expect(verify({ 'x-agenta-signature': 'sha256=wrong' })).toBe('accepted')
    expect(verify({ 'webhook-id': 'other', 'x-agenta-signature': bodySignature(body, keys) })).toBe('signature_invalid')
  })
})

test('without a secret nothing is accepted', () => {
  const closed = agenta({ secrets: [] })
  const body = bytes(FIRST_DEPLOYMENT)
  for (const list of [agentaHeaders(body, keys), standardHeaders(body, keys)]) {
    expect(codeOf(() => closed.verify(closed.open(new Headers(list)), body, now))).toBe('source_closed')
  }
})

test("the payload of Agenta's first design is the body itself", () => {
  expect(read(FIRST_DEPLOYMENT)).toEqual({
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
  })
})

describe("today's payload", () => {
  test('is translated to `environment.deployed`, with every field a handler needs', () => {
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

  test('of two applications at once, which `environment.deployed` cannot say, is an event of its own with the body as payload', () => {
    const two = structuredClone(AGENTA_DEPLOYMENT)
    Object.assign(two.event.attributes.diff.created, { 'other.revision': { new: {} } })
    const { deliveryId, actor, ...rest } = read(two)
    expect([deliveryId, actor]).toEqual([two.event.event_id, two.event.attributes.user_id])
    expect(rest).toEqual({
      type: 'agenta.environments.revisions.committed',
      subject: '@production',
      facts: { environment: 'production', project: two.scope.project_id, author: two.event.attributes.user_id },
    })
  })

  test('of another event is named after Agenta', () => {
    const event = { event_id: 'e1', event_type: 'webhooks.subscriptions.tested' }
    expect(read({ event })).toEqual({
      type: 'agenta.webhooks.subscriptions.tested',
      deliveryId: 'e1',
      subject: null,
      actor: null,
      facts: {},
    })
  })
})

describe('the delivery id', () => {
  test('is the one in the signed body, which a replay cannot change', () => {
    expect(read(FIRST_DEPLOYMENT, { 'x-agenta-delivery': 'another' }).deliveryId).toBe('delivery_1234567890')
  })

  test.each(['x-agenta-delivery', 'x-agenta-delivery-id', 'idempotency-key'])('is else that of %s', (name) => {
    expect(read({ event: 'x' }, { 'x-agenta-delivery': undefined, [name]: 'd-1' }).deliveryId).toBe('d-1')
  })

  test('is else the signed one of Standard Webhooks, whatever other headers say', () => {
    const body = bytes({ event: 'x' })
    const headers = standardHeaders(body, keys, { 'webhook-id': 'msg_1', 'x-agenta-delivery': 'd-1' })
    expect(source.normalise(source.open(new Headers(headers)), body).deliveryId).toBe('msg_1')
  })

  test('is else the hash of the body', () => {
    const hash = createHash('sha256').update('{"event":"x"}').digest('hex')
    expect(read({ event: 'x' }, { 'x-agenta-delivery': undefined }).deliveryId).toBe(`sha256:${hash}`)
  })
})

test('the type is that of the body, else that of a header', () => {
  expect(read({ event: 'a.b' }, { 'x-agenta-event': 'c.d' }).type).toBe('agenta.a.b')
  expect(read({}, { 'x-agenta-event': 'c.d' }).type).toBe('agenta.c.d')
  expect(read({}, { 'x-agenta-event': undefined, 'x-agenta-event-type': 'e.f' }).type).toBe('agenta.e.f')
  expect(read({ event: 'agenta.x' }).type).toBe('agenta.x')
})

test('no type is one of GitHub or of this program but `environment.deployed`', () => {
  expect(read({ event: 'push' }).type).toBe('agenta.push')
  expect(read({ event: 'job.completed' }).type).toBe('agenta.job.completed')
  expect(read({}, { 'x-agenta-event': 'pull_request.opened' }).type).toBe('agenta.pull_request.opened')
  expect(read({ event: 'environment.deployed' }).type).toBe('environment.deployed')
  expect(read({}, { 'x-agenta-event': 'environment.deployed' }).type).toBe('environment.deployed')
})

test.each([
  ['content-type', 'text/plain', 'content_type_unsupported'],
  ['x-agenta-event', 'not a type', 'header_invalid'],
  ['x-agenta-delivery', 'not an id', 'header_invalid'],
  ['x-agenta-signature', undefined, 'header_missing'],
])('the header %s: %s is refused before the body is read', (name, value, code) => {
  const headers = new Headers(agentaHeaders(bytes({}), keys, { [name]: value }))
  expect(codeOf(() => source.open(headers))).toBe(code)
})

test('the reading of a body needs no source, and says what it is about', () => {
  expect(readAgenta(AGENTA_DEPLOYMENT)).toMatchObject({
    type: 'environment.deployed',
    id: AGENTA_DEPLOYMENT.event.event_id,
    facts: { app: 'customer-support-bot', environment: 'production' },
    payload: { event: 'environment.deployed', data: { app_name: 'customer-support-bot' } },
  })
  expect(readAgenta(FIRST_DEPLOYMENT).payload).toBe(FIRST_DEPLOYMENT)
  expect(readAgenta({ anything: 1 })).toEqual({ type: undefined, id: undefined, facts: {}, payload: { anything: 1 } })
})

test('whatever the JSON, normalising returns an event or an expected error', () => {
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
  )
})

test('an application whose key is a name that every object has is read like any other', () => {
  const updated = { constructor: { old: null, new: { application: { slug: 'real-app' } } } }
  const event = {
    event_id: 'e1',
    event_type: 'environments.revisions.committed',
    attributes: { references: { environment: { slug: 'production' } }, diff: { created: {}, updated } },
  }
  expect(readAgenta({ event }).facts.app).toBe('real-app')
})
