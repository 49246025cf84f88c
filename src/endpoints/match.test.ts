import { describe, expect, it } from 'vitest'
import type { Endpoint } from './endpoint.ts'
import { readEndpointRequest } from './endpoint.ts'
import { deliveriesFor, explainEndpoint, matchEndpoints } from './match.ts'

function endpoint(change: object = {}): Endpoint {
  const { secrets: _, ...rest } = readEndpointRequest({ url: 'https://example.com', ...change })
  return {
    ...rest,
    id: 'e1',
    origin: 'api',
    status_reason: null,
    status_since: '1970-01-01T00:00:00.000Z',
    created_at: '1970-01-01T00:00:00.000Z',
    updated_at: '1970-01-01T00:00:00.000Z',
  }
}
function deployed(facts: object = {}) {
  return {
    type: 'environment.deployed',
    facts: { environment: 'production', app: 'bot', project: 'p', ...facts },
  }
}
function isNotified(change: object, event: { type: string; facts: object }) {
  return matchEndpoints([endpoint(change)], event).length === 1
}

describe('an endpoint', () => {
  it('is notified of production deployments by default, and of nothing else', () => {
    expect(isNotified({}, deployed())).toBe(true)
    expect(isNotified({}, deployed({ environment: 'staging' }))).toBe(false)
    expect(isNotified({}, { type: 'push', facts: {} })).toBe(false)
  })

  it('is notified of every environment when that is null', () => {
    expect(isNotified({ environments: null }, deployed({ environment: 'feature/x' }))).toBe(true)
  })

  it('matches globs, over dots and slashes', () => {
    expect(isNotified({ events: ['*'] }, deployed())).toBe(true)
    expect(isNotified({ events: ['environment.*'] }, deployed())).toBe(true)
    expect(isNotified({ events: ['issues.*', 'push'] }, { type: 'push', facts: {} })).toBe(true)
    expect(isNotified({ environments: ['feature/*'] }, deployed({ environment: 'feature/a/b' }))).toBe(true)
    expect(isNotified({ apps: ['support-*'] }, deployed({ app: 'support-bot' }))).toBe(true)
    expect(isNotified({ apps: ['support-*'] }, deployed())).toBe(false)
  })

  it('matches whole names, case and all', () => {
    expect(isNotified({ environments: ['prod'] }, deployed())).toBe(false)
    expect(isNotified({ environments: ['Production'] }, deployed())).toBe(false)
    expect(isNotified({ apps: ['bot?'] }, deployed())).toBe(false)
  })

  it('leaves out what a glob with "!" names, as a rule does', () => {
    expect(isNotified({ events: ['*', '!push'] }, { type: 'push', facts: {} })).toBe(false)
    expect(isNotified({ events: ['*', '!push'] }, deployed())).toBe(true)
    expect(isNotified({ environments: ['!staging'] }, deployed())).toBe(true)
    expect(isNotified({ environments: ['!staging'] }, deployed({ environment: 'staging' }))).toBe(false)
    expect(isNotified({ environments: ['!staging', 'test'] }, deployed())).toBe(false)
  })

  it('is not kept from an event by an environment or application the event does not have', () => {
    expect(isNotified({ events: ['push'], apps: ['bot'] }, { type: 'push', facts: { repository: 'acme/bot' } })).toBe(
      true,
    )
  })

  it('is notified of nothing while it is disabled, and later while it is paused', () => {
    expect(isNotified({ status: 'disabled' }, deployed())).toBe(false)
    expect(isNotified({ status: 'paused' }, deployed())).toBe(true)
  })
})

describe('the explanation', () => {
  it.each([
    [{}, {}, 'Notified: it wants "environment.deployed", and this is "environment.deployed".'],
    [{ status: 'disabled' }, {}, 'Not notified: it is disabled since 1970-01-01T00:00:00.000Z.'],
    [
      { status: 'paused' },
      {},
      'Notified once it is active again; it is paused since 1970-01-01T00:00:00.000Z: it wants "environment.deployed", and this is "environment.deployed".',
    ],
    [
      { events: ['push', 'issues.*'] },
      {},
      'Not notified: it wants "push" or "issues.*", and this is "environment.deployed".',
    ],
    [{}, { environment: 'staging' }, 'Not notified: it wants environment "production", and this is "staging".'],
    [{ apps: ['a'] }, {}, 'Not notified: it wants app "a", and this is "bot".'],
  ])('of %j for %j is one sentence', (change, facts, sentence) => {
    const verdict = explainEndpoint(endpoint(change), deployed(facts))
    expect(verdict).toEqual({ matched: isNotified(change, deployed(facts)), sentence })
  })
})

describe('the deliveries of an event', () => {
  const limits = { maxAttempts: 10 }

  it('have ids computed from event and endpoint, so that making them twice makes them once', () => {
    const event = { id: 'ev1', ...deployed() }
    expect(deliveriesFor(event, [endpoint()], limits)).toEqual(deliveriesFor(event, [endpoint()], limits))
    expect(deliveriesFor({ ...event, id: 'ev2' }, [endpoint()], limits)[0]?.id).not.toBe(
      deliveriesFor(event, [endpoint()], limits)[0]?.id,
    )
  })

  it('share a group when they bring the same app and environment to the same endpoint', () => {
    const groupOf = (facts: object, id = 'e1') =>
      deliveriesFor({ id: 'ev', ...deployed(facts) }, [{ ...endpoint(), id }], limits)[0]?.groupKey
    expect(groupOf({})).toBe(groupOf({}))
    expect(new Set([groupOf({}), groupOf({ app: 'b' }), groupOf({ environment: 'x' }), groupOf({}, 'e2')]).size).toBe(4)
    expect(deliveriesFor({ id: 'ev', facts: {} }, [endpoint()], limits)[0]?.groupKey).toBeNull()
  })
})
