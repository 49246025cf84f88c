import { expect, test } from 'vitest'
import { deliveryHeaders } from './delivery-headers.ts'
import type { EnvironmentDeployed, RelayedEvent } from './payload.ts'
import { isEnvironmentDeployed, isRelayedEvent } from './payload.ts'
import { signBody } from './signature.ts'
import { verifyWebhook } from './webhook.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const SENT_SECONDS = 1_763_634_600

function now(): number {
  return SENT_SECONDS * 1000
}

/** The example payload of the contract. */
const deployed: EnvironmentDeployed = {
  event: 'environment.deployed',
  timestamp: '2025-11-20T10:30:00Z',
  delivery_id: 'delivery_1234567890',
  project_id: 'project_abc',
  data: {
    app_name: 'customer-support-bot',
    variant_name: 'v2-optimized',
    variant_id: 'variant_customer-support-bot',
    environment: 'production',
    revision: 15,
    commit_message: 'Improved response quality',
    config_diff: { added: {}, modified: { temperature: { old: 0.7, new: 0.5 } }, removed: {} },
    deployed_by: 'jane@company.com',
    deployment_id: 'deploy_1234567890',
  },
}
const body = JSON.stringify(deployed)

function headersFor(secrets: string | string[], text = body) {
  const event = { event: 'environment.deployed', deliveryId: 'delivery_1234567890' }
  return deliveryHeaders({ id: 'evt_1', ...event, timestampSeconds: SENT_SECONDS, body: text, secrets })
}

test('a delivery carries exactly the headers of the contract', async () => {
  expect(await headersFor([SECRET, 'the old secret'])).toEqual({
    'webhook-id': 'evt_1',
    'webhook-timestamp': '1763634600',
    'webhook-signature': expect.stringMatching(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/),
    'X-Agenta-Event': 'environment.deployed',
    'X-Agenta-Delivery': 'delivery_1234567890',
    'X-Agenta-Signature': await signBody({ body, secret: SECRET }),
  })
})

test('a request we send is read back, typed', async () => {
  const request = new Request('https://receiver.test/', { method: 'POST', body, headers: await headersFor(SECRET) })
  const { id, event, timestamp, payload } = await verifyWebhook(request, { secret: SECRET, now })
  expect({ id, event, timestamp }).toEqual({ id: 'evt_1', event: deployed.event, timestamp: deployed.timestamp })
  expect(payload).toEqual(deployed)
  expect(isEnvironmentDeployed(payload) && payload.data.config_diff.modified.temperature?.new).toBe(0.5)
})

test('any live secret verifies while one rotates, in bytes and in text', async () => {
  const headers = await headersFor(['the new secret', SECRET])
  const requests = [body, Buffer.from(body)].map((sent) =>
    verifyWebhook({ headers, body: sent }, { secrets: [SECRET], now }),
  )
  expect(await Promise.all(requests)).toMatchObject([{ id: 'evt_1' }, { id: 'evt_1' }])
})

test('in the first Agenta form the id comes from the signed body, not from a header anyone can change', async () => {
  const headers = { 'X-Agenta-Delivery': 'forged', 'X-Agenta-Signature': await signBody({ body, secret: SECRET }) }
  const verified = await verifyWebhook({ headers, body }, { secret: SECRET, now })
  expect(verified.id).toBe('delivery_1234567890')
})

test('a receiver that wants a time refuses a replay that stripped the Standard Webhooks headers', async () => {
  const headers = { 'X-Agenta-Signature': (await headersFor(SECRET))['X-Agenta-Signature'] }
  const verification = verifyWebhook({ headers, body }, { secret: SECRET, now, requireTimestamp: true })
  await expect(verification).rejects.toMatchObject({ code: 'missing_header', header: 'webhook-timestamp' })
})

test('a forged request is refused, with no secret in the message', async () => {
  const verification = verifyWebhook({ headers: await headersFor('guessed'), body }, { secret: SECRET, now })
  await expect(verification).rejects.toThrow(/^webhook-signature: no signature matches/)
  await expect(verification).rejects.not.toThrow(SECRET)
})

test('an unset secret refuses everything', async () => {
  const headers = await headersFor('x')
  await expect(verifyWebhook({ headers, body }, { secret: undefined, now })).rejects.toMatchObject({
    code: 'no_secret',
  })
})

test('a tolerance in seconds is honoured', async () => {
  const request = { headers: await headersFor(SECRET), body }
  const later = { secret: SECRET, now: () => now() + 60_000 }
  await expect(verifyWebhook(request, { ...later, toleranceSeconds: 60 })).resolves.toMatchObject({ id: 'evt_1' })
  await expect(verifyWebhook(request, { ...later, toleranceSeconds: 59 })).rejects.toMatchObject({
    code: 'timestamp_too_old',
  })
})

test('only a complete deployment is taken for one', () => {
  expect(isEnvironmentDeployed(deployed)).toBe(true)
  expect(isEnvironmentDeployed({ ...deployed, event: 'job.completed' })).toBe(false)
  expect(isEnvironmentDeployed({ ...deployed, data: { ...deployed.data, app_name: undefined } })).toBe(false)
  expect(isEnvironmentDeployed({ ...deployed, data: { ...deployed.data, config_diff: null } })).toBe(false)
  for (const value of [null, [], 'text', 1, {}]) expect(isEnvironmentDeployed(value)).toBe(false)
})

/** A push to GitHub, as an endpoint that subscribes to `push` receives it. */
const pushed: RelayedEvent = {
  event: 'push',
  timestamp: '2025-11-20T10:30:00Z',
  delivery_id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  project_id: null,
  data: {
    source: 'github',
    subject: null,
    actor: 'octocat',
    facts: { repository: 'acme/shop', branch: 'main', changedPaths: ['a.ts'] },
    payload: { ref: 'refs/heads/main', commits: [] },
  },
}

test("an event of another source is read with that source's own payload, typed", async () => {
  const text = JSON.stringify(pushed)
  const { id, event, payload } = await verifyWebhook(
    { headers: await headersFor(SECRET, text), body: text },
    { secret: SECRET, now },
  )
  expect({ id, event }).toEqual({ id: 'evt_1', event: 'push' })
  expect(isEnvironmentDeployed(payload)).toBe(false)
  if (!isRelayedEvent(payload)) throw new Error('expected the event of another source')
  expect(payload.data.facts.repository).toBe('acme/shop')
  expect(payload.data.payload).toEqual({ ref: 'refs/heads/main', commits: [] })
})

test('only a complete event of another source is taken for one', () => {
  const { data } = pushed
  expect(isRelayedEvent({ ...pushed, project_id: 'p', data: { ...data, subject: 'acme/shop#1', payload: null } })).toBe(
    true,
  )
  for (const wrong of [
    deployed,
    { ...pushed, project_id: 1 },
    { ...pushed, project_id: undefined },
    { ...pushed, data: { ...data, source: undefined } },
    { ...pushed, data: { ...data, actor: {} } },
    { ...pushed, data: { ...data, facts: [] } },
    { ...pushed, data: { ...data, payload: undefined } },
  ]) {
    expect(isRelayedEvent(wrong)).toBe(false)
  }
  for (const value of [null, [], 'text', 1, {}]) expect(isRelayedEvent(value)).toBe(false)
})

test('a request without any signature is refused', async () => {
  await expect(verifyWebhook({ headers: {}, body }, { secret: SECRET, now })).rejects.toMatchObject({
    code: 'missing_header',
  })
})
