// The catalogue against what is really sent: every example is of its schema, and every signature
// is one that the libraries of others accept.
import { verify } from '@octokit/webhooks-methods'
import { isOwnEvent, isRelayedEvent, verifyWebhook } from '@signalbox/sdk'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { Webhook } from 'standardwebhooks'
import { Webhook as Svix } from 'svix'
import { beforeAll, describe, expect, test } from 'vitest'
import { deliveryHeaders } from '../../sdk/src/delivery-headers.ts'
import { envelopeOf } from '../deliveries/envelope.ts'
import { signedHeaders } from '../deliveries/sign.ts'
import { ed25519Signer, generateSigningKey, publicKeyOf } from '../deliveries/sign-ed25519.ts'
import { deployedEvent } from '../deployments/deployed-event.ts'
import type { Draft } from '../events/event.ts'
import { finishedJobEvent } from '../jobs/finished.ts'
import { newId } from '../lib/id.ts'
import { GITHUB_TYPES } from '../sources/github/event-types.ts'
import { EVENT_TYPES, listEventTypes, showEventType } from './catalogue.ts'
import { isOwnType } from './examples.ts'
import { testEvent, testTypeFor } from './test-event.ts'

const now = new Date()
const SECRET = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) } })
const types = EVENT_TYPES.map(({ type }) => type)

function validationErrors(type: string, body: unknown): string | null {
  return ajv.validate(showEventType(type, now).schema, body) ? null : ajv.errorsText()
}

function sentFor(draft: Draft): Buffer {
  const sent = envelopeOf({ ...draft, body: draft.body && Buffer.from(draft.body), receivedAt: now }, () => undefined)
  return Buffer.from(sent?.body ?? [])
}

describe.each(['environment.deployed', 'job.failed', 'delivery.exhausted', 'push', 'issues.labeled', 'star.created'])(
  'a type such as %s',
  (type) => {
    test('is described, with a schema and an example', () => {
      expect(showEventType(type, now)).toMatchObject({
        type,
        source: isOwnType(type) ? 'signalbox' : 'github',
        description: expect.stringMatching(/\w/),
        schema: { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' },
        example: { event: type, timestamp: now.toISOString() },
      })
    })
  },
)

test('every type that is known is there once: GitHub’s, and this program’s own', () => {
  expect(new Set(types).size).toBe(types.length)
  expect(types.filter((type) => !isOwnType(type))).toEqual(GITHUB_TYPES)
  expect(types.filter(isOwnType)).toEqual([
    'environment.deployed',
    'environment.merged',
    'job.completed',
    'job.failed',
    'job.waiting',
    'endpoint.failing',
    'endpoint.disabled',
    'endpoint.recovered',
    'delivery.exhausted',
    'rule.paused',
    'gap.found',
    'deployment.drifted',
  ])
})

test('a glob selects types', () => {
  expect(listEventTypes('job.*').map(({ type }) => type)).toEqual(['job.completed', 'job.failed', 'job.waiting'])
  expect(listEventTypes('nothing.*')).toEqual([])
})

test('a type that is not known is refused with the nearest one', () => {
  expect(() => showEventType('isues.opened', now)).toThrow(/did you mean "issues\.opened"/)
})

test('every example is of its schema, and is recognised by the SDK', () => {
  for (const type of types) {
    const { example } = showEventType(type, now)
    expect([type, validationErrors(type, example)]).toEqual([type, null])
    expect([type, isOwnEvent(example), isRelayedEvent(example)]).toEqual([type, isOwnType(type), !isOwnType(type)])
  }
})

test('a schema refuses what is not of its type', () => {
  const { example } = showEventType('job.failed', now)
  expect(validationErrors('job.failed', { ...example, data: { job_id: 1 } })).toMatch(/data/)
  expect(validationErrors('job.completed', example)).toMatch(/event must be equal to constant/)
  expect(validationErrors('push', { ...showEventType('push', now).example, data: {} })).toMatch(/source/)
})

test('what is sent for a real deployment and for real jobs is of its schema', () => {
  const deployment = {
    id: 'deploy_1',
    eventId: newId(),
    projectId: 'p',
    appName: 'bot',
    variantName: 'v',
    variantId: 'i',
    environment: 'production',
    revision: 1,
    configSha256: 'x',
    configDiff: { added: {}, modified: { a: { old: 1, new: null } }, removed: {} },
    commitMessage: null,
    deployedBy: 'jane',
    sequence: 1,
    previousDeploymentId: null,
    createdAt: now,
  }
  const value = { a: null }
  const deployed = deployedEvent(deployment, { value, bytes: 10 } as unknown as Parameters<typeof deployedEvent>[1])
  const job = { id: newId(), type: 't', rule: 'r', agent: 'a', policy: null, attempt: 1, createdAt: now, eventId: null }
  const drafts = [
    deployed,
    finishedJobEvent({ job, outcome: 'completed', result: [1] }, null, now),
    finishedJobEvent({ job, outcome: 'failed', error: 'It failed.' }, null, now),
  ]
  for (const draft of drafts) {
    const body = JSON.parse(sentFor(draft).toString())
    expect([draft.type, validationErrors(draft.type, body)]).toEqual([draft.type, null])
    expect(isOwnEvent(body, draft.type as 'job.failed')).toBe(true)
  }
})

describe('a test event of every type', () => {
  const endpoint = { id: newId() }
  let sent: { type: string; body: Buffer; headers: Record<string, string> }[]
  const key = generateSigningKey()
  beforeAll(() => {
    sent = types.map((type) => {
      const draft = testEvent(type, { endpoint, now })
      const body = sentFor(draft)
      const { id: eventId, deliveryId } = draft
      const signing = {
        eventId,
        eventType: type,
        deliveryId,
        body,
        secrets: [SECRET] as [string],
        at: now,
        version: '0',
      }
      return { type, body, headers: signedHeaders(signing) }
    })
  })

  test('is for one endpoint, is marked as a test, and is of the schema', () => {
    const drafts = types.map((type) => testEvent(type, { endpoint, now }))
    expect(new Set(drafts.map(({ deliveryId }) => deliveryId)).size).toBe(types.length)
    for (const { type, source, deliverTo, deliveryId, body } of drafts) {
      const envelope = JSON.parse(Buffer.from(body ?? []).toString())
      expect({ type, source, deliverTo }).toEqual({ type, source: 'test', deliverTo: endpoint.id })
      expect(envelope).toMatchObject({ event: type, delivery_id: deliveryId, timestamp: now.toISOString() })
      expect(envelope.data.test).toBe(true)
      expect([type, validationErrors(type, envelope)]).toEqual([type, null])
    }
  })

  test('verifies with the SDK', async () => {
    for (const { type, body, headers } of sent) {
      expect((await verifyWebhook({ headers, body }, { secret: SECRET })).event).toBe(type)
    }
  })

  test('verifies with the packages standardwebhooks, svix and @octokit/webhooks-methods', async () => {
    for (const { type, body, headers } of sent) {
      const text = body.toString()
      expect(new Webhook(SECRET).verify(text, headers)).toMatchObject({ event: type })
      expect(() => new Svix(SECRET).verify(text, headers)).not.toThrow()
      expect([type, await verify(SECRET, text, headers['x-agenta-signature'] ?? '')]).toEqual([type, true])
    }
  })

  test('is refused by them when one byte of it was changed', async () => {
    for (const { body, headers } of sent.slice(0, 20)) {
      const text = body.toString().replace('"test":true', '"test":tru3')
      expect(() => new Webhook(SECRET).verify(text, headers)).toThrow()
      expect(() => new Svix(SECRET).verify(text, headers)).toThrow()
      expect(await verify(SECRET, text, headers['x-agenta-signature'] ?? '')).toBe(false)
    }
  })

  test('verifies with them as well when it has an ed25519 signature, which the SDK verifies by the public key', async () => {
    const signer = ed25519Signer([key])
    for (const { type, body, headers } of sent.slice(0, 20)) {
      const message = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body])
      const both = `${headers['webhook-signature']} v1a,${signer?.sign(message)}`
      const signed = { ...headers, 'webhook-signature': both }
      expect((await verifyWebhook({ headers: signed, body }, { publicKey: publicKeyOf(key) })).event).toBe(type)
      expect(new Webhook(SECRET).verify(body.toString(), signed)).toMatchObject({ event: type })
      expect(() => new Svix(SECRET).verify(body.toString(), signed)).not.toThrow()
    }
  })

  test('is signed by the SDK as it is by the server', async () => {
    for (const { type, body, headers } of sent.slice(0, 20)) {
      const timestampSeconds = Number(headers['webhook-timestamp'])
      const id = headers['webhook-id'] ?? ''
      const deliveryId = headers['x-agenta-delivery'] ?? ''
      const own = await deliveryHeaders({ id, event: type, deliveryId, timestampSeconds, body, secrets: SECRET })
      for (const [name, value] of Object.entries(own)) expect(headers[name.toLowerCase()]).toBe(value)
    }
  })
})

test('an endpoint is tested with the first type it wants, and with a deployment if it wants none', () => {
  expect(testTypeFor({ events: ['*'] })).toBe('environment.deployed')
  expect(testTypeFor({ events: ['job.*'] })).toBe('job.completed')
  expect(testTypeFor({ events: ['issues.labeled'] })).toBe('issues.labeled')
  expect(testTypeFor({ events: ['*', '!environment.*'] })).toBe('job.completed')
  expect(testTypeFor({ events: ['shop.order'] })).toBe('environment.deployed')
})
