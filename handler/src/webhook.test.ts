import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AGENTA_DEPLOYMENT } from '../../test/fixtures/payloads.ts'
import { deployed } from './fixtures/receiver.ts'
import { readWebhook } from './webhook.ts'

function read(value: unknown) {
  return readWebhook(Buffer.from(JSON.stringify(value)))
}

/** The envelope in which Signalbox relays the events of a source. */
function relayed(payload: unknown, { source = 'agenta', event = 'environment.deployed' } = {}) {
  return {
    event,
    timestamp: '2026-04-07T11:24:19Z',
    delivery_id: 'relay-1',
    project_id: null,
    data: { source, subject: 'customer-support-bot@production', actor: null, facts: {}, payload },
  }
}

test("Agenta's first format is read as it is", () => {
  expect(read(deployed)).toEqual({
    deployment: deployed,
    type: 'environment.deployed',
    timestamp: '2025-11-20T10:30:00Z',
    deliveryId: 'delivery_1234567890',
  })
})

describe("Agenta's current format", () => {
  test('is read as a deployment of the first', () => {
    const webhook = read(AGENTA_DEPLOYMENT)
    expect(webhook).toMatchObject({
      type: 'environment.deployed',
      timestamp: '2026-04-07T11:24:18.000Z',
      deliveryId: '01961234-5678-7abc-9def-123456789abc',
      deployment: {
        event: 'environment.deployed',
        data: {
          app_name: 'customer-support-bot',
          environment: 'production',
          revision: 8,
          deployment_id: 'environment-revision-8',
        },
      },
    })
  })

  test('is the same deployment when Signalbox relays it, as it came or translated', () => {
    const direct = read(AGENTA_DEPLOYMENT)
    const asItCame = read(relayed(AGENTA_DEPLOYMENT, { event: 'agenta.environments.revisions.committed' }))
    const translated = read(relayed(direct.deployment))
    for (const webhook of [asItCame, translated]) {
      expect(webhook).toEqual({ ...direct, timestamp: '2026-04-07T11:24:19Z', deliveryId: 'relay-1' })
    }
  })

  test('of two applications at once is no deployment and keeps its name', () => {
    const two = structuredClone(AGENTA_DEPLOYMENT)
    Object.assign(two.event.attributes.diff.created, { 'other.revision': { new: {} } })
    expect(read(two)).toMatchObject({ deployment: null, type: 'environments.revisions.committed' })
    const event = 'agenta.environments.revisions.committed'
    expect(read(relayed(two, { event }))).toMatchObject({ deployment: null, type: event })
  })

  test('of another event keeps the name of that event', () => {
    const event = { event_id: 'e1', event_type: 'webhooks.subscriptions.tested', timestamp: '2026-04-07T11:24:18Z' }
    expect(read({ event })).toEqual({
      deployment: null,
      type: 'webhooks.subscriptions.tested',
      timestamp: '2026-04-07T11:24:18Z',
      deliveryId: 'e1',
    })
  })
})

test('an event of Signalbox keeps its name', () => {
  const completed = { event: 'job.completed', timestamp: '2026-04-07T11:24:18Z', delivery_id: 'd1', data: {} }
  expect(read(completed)).toEqual({
    deployment: null,
    type: 'job.completed',
    timestamp: '2026-04-07T11:24:18Z',
    deliveryId: 'd1',
  })
})

test('what another source sent is never a deployment, whatever it says', () => {
  for (const event of ['shop.paid', 'environment.deployed']) {
    for (const payload of [deployed, AGENTA_DEPLOYMENT]) {
      const webhook = read(relayed(payload, { source: 'shop', event }))
      expect(webhook).toMatchObject({ deployment: null, type: event, deliveryId: 'relay-1' })
    }
  }
})

test.each([
  ['', 'empty'],
  ['not json', 'not JSON'],
  ['[]', 'not an object'],
  ['null', 'not an object'],
  ['\ufeff{}', 'not JSON'],
  [`${'{"a":'.repeat(300)}1${'}'.repeat(300)}`, 'deeper'],
])('the body %j is refused', (text, why) => {
  expect(() => readWebhook(Buffer.from(text))).toThrow(
    expect.objectContaining({ code: 'body_invalid', message: expect.stringContaining(why) }),
  )
})

test('bytes that are not UTF-8 are refused', () => {
  expect(() => readWebhook(Buffer.from('7b2261223a22ff227d', 'hex'))).toThrow(
    expect.objectContaining({ code: 'body_invalid' }),
  )
})

test('whatever the JSON object, it is read, and what is a deployment is called one', () => {
  const key = fc.constantFrom('event', 'data', 'payload', 'source', 'event_type', 'attributes', 'references', 'diff')
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.jsonValue(),
      fc.constantFrom('agenta', 'environment.deployed', 'environments.revisions.committed'),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(fc.dictionary(key, value, { maxKeys: 4 }), (body) => {
      const { deployment, type } = read(body)
      if (deployment !== null) expect(type).toBe('environment.deployed')
    }),
  )
})
