import type { Json } from '@signalbox/sdk'
import { isEnvironmentDeployed, isSignalboxEvent, verifyWebhook } from '@signalbox/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { finishedJobEvent } from '../jobs/finished.ts'
import type { EnvelopeEvent } from './envelope.ts'
import { envelopeOf } from './envelope.ts'
import { signedHeaders } from './sign.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const now = new Date('2026-01-01T00:00:00.123Z')

function event(change: Partial<EnvelopeEvent> = {}): EnvelopeEvent {
  return {
    source: 'github',
    type: 'push',
    deliveryId: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    subject: 'acme/shop',
    actor: 'octocat',
    facts: { repository: 'acme/shop', branch: 'main' },
    body: Buffer.from('{"ref":"refs/heads/main"}'),
    payload: null,
    contentType: 'application/json',
    headers: {},
    receivedAt: now,
    ...change,
  }
}

/** Verifies what a receiver gets, as a receiver does. */
async function receive(one: EnvelopeEvent, payload: Json | undefined) {
  const envelope = envelopeOf(one, () => payload)
  if (envelope === null) throw new Error('there is nothing to send')
  const { body, deliveryId } = envelope
  const headers = signedHeaders({
    eventId: '01934e00-0000-7000-8000-00000000000a',
    eventType: one.type,
    deliveryId,
    body,
    secrets: [SECRET],
    at: now,
    version: '0',
  })
  const verified = await verifyWebhook({ headers, body }, { secret: SECRET, now: () => now.getTime() })
  return { ...verified, headers, text: Buffer.from(body).toString() }
}

describe('what is sent for an event', () => {
  it('is one envelope around what another sender said, with its keys in one order', async () => {
    const { text, event: type } = await receive(event({ facts: { repository: 'a/b', project: 'p1' } }), { ref: 'r' })
    expect(type).toBe('push')
    expect(text).toBe(
      '{"event":"push","timestamp":"2026-01-01T00:00:00.123Z","delivery_id":"72d3162e-cc78-11e3-81ab-4c9367dc0958",' +
        '"project_id":"p1","data":{"source":"github","subject":"acme/shop","actor":"octocat",' +
        '"facts":{"repository":"a/b","project":"p1"},"payload":{"ref":"r"}}}',
    )
  })

  it('says null for a project, a subject, an actor or a payload that is not known', async () => {
    const { payload } = await receive(event({ subject: null, actor: null, facts: {}, body: null }), undefined)
    expect(payload).toMatchObject({
      project_id: null,
      data: { source: 'github', subject: null, actor: null, facts: {}, payload: null },
    })
  })

  it.each(['deployments', 'signalbox'])('is the stored bytes for %s, whose bodies have this form', (source) => {
    const body = Buffer.from('{ "event":"x",\t"timestamp":"t","delivery_id":"d","data":{"a":"\\u00e9"} }\n')
    const unread = () => {
      throw new Error('nothing of it is needed')
    }
    const envelope = envelopeOf(event({ source, body, deliveryId: 'd' }), unread)
    expect(envelope).toEqual({ body, deliveryId: 'd' })
    expect(envelopeOf(event({ source, body: null }), unread)).toBeNull()
  })

  it('a job’s end verifies, and its header names the delivery that its body names', async () => {
    const job = { id: 'j', type: 't', rule: 'r', agent: 'a', policy: null, attempt: 2, eventId: null, createdAt: now }
    const { deliveryId, source, type, subject, actor, facts, body } = finishedJobEvent(
      { job, outcome: 'completed', result: { n: 1 } },
      null,
      now,
    )
    const stored = Buffer.from(body ?? [])
    const one = event({ deliveryId, source, type, subject, actor, facts, body: stored })
    const got = await receive(one, JSON.parse(String(stored)))
    expect(got).toMatchObject({ event: 'job.completed', payload: { data: { job_id: 'j', result: { n: 1 } } } })
    expect(got.headers['x-agenta-delivery']).toBe(got.payload.delivery_id)
  })

  it('a deployment that Agenta reported is its payload, so that a receiver of deployments knows it', async () => {
    const payload = {
      event: 'environment.deployed',
      timestamp: '2025-11-20T10:30:00Z',
      delivery_id: 'delivery_1',
      project_id: 'p',
      data: {
        app_name: 'bot',
        variant_name: 'v',
        variant_id: null,
        environment: 'production',
        revision: 1,
        commit_message: null,
        config_diff: { added: {}, modified: {}, removed: {} },
        deployed_by: 'me',
        deployment_id: 'd',
      },
    }
    // As it came, and translated: the body is another form, or another id.
    for (const change of [{ payload: null }, { payload, body: Buffer.from('{"event_type":"other"}') }]) {
      const got = await receive(event({ source: 'agenta', type: 'environment.deployed', ...change }), payload)
      expect(isEnvironmentDeployed(got.payload)).toBe(true)
      expect(got.payload).toEqual(payload)
      expect(got.headers['x-agenta-delivery']).toBe('delivery_1')
    }
    const long = { ...payload, delivery_id: 'x'.repeat(300_000) }
    const of = event({ source: 'agenta', type: 'environment.deployed', deliveryId: 'sha256:0', payload: long })
    expect((await receive(of, long)).headers['x-agenta-delivery']).toBe('sha256:0')
  })

  it('is wrapped when a payload only looks like an envelope: of another type, or not whole', () => {
    const whole = { event: 'environment.deployed', timestamp: 't', delivery_id: 'd', data: {} }
    const { delivery_id: _, ...part } = whole
    for (const [type, payload] of [
      ['push', whole],
      ['push', { ...whole, event: 'push' }],
      ['environment.deployed', { ...whole, event: 'push' }],
      ['environment.deployed', part],
      ['environment.deployed', null],
    ] as [string, Json][]) {
      const envelope = envelopeOf(event({ type }), () => payload)
      expect(JSON.parse(String(envelope?.body))).toMatchObject({ event: type, data: { source: 'github', payload } })
    }
  })

  it('verifies for any event, is the same bytes every time, and says the delivery id of its header', async () => {
    const texts = fc.string({ unit: 'binary' })
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          source: fc.constantFrom('github', 'agenta', 'manual', 'my-ci'),
          type: texts,
          deliveryId: fc.uuid(),
          subject: fc.option(texts),
          actor: fc.option(texts),
          facts: fc.record(
            { app: texts, project: texts, labels: fc.array(texts), number: fc.nat() },
            { requiredKeys: [] },
          ),
          receivedAt: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }),
        }),
        fc.option(fc.jsonValue() as fc.Arbitrary<Json>, { nil: undefined }),
        async (change, payload) => {
          const one = event(change)
          const got = await receive(one, payload)
          expect(isSignalboxEvent(got.payload)).toBe(true)
          expect(got.payload).toMatchObject({ event: one.type, timestamp: one.receivedAt.toISOString() })
          expect(got.headers['x-agenta-delivery']).toBe(got.payload.delivery_id)
          expect(envelopeOf(one, () => payload)).toEqual(
            envelopeOf(structuredClone(one), () => structuredClone(payload)),
          )
        },
      ),
    )
  })
})
