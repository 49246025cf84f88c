import { describe, expect, it } from 'vitest'
import type { Json } from '../lib/json.ts'
import { readEndpointRequest } from './endpoint.ts'
import { deliveriesFor, explainEndpoints, matchEndpoints } from './match.ts'
import type { MatchableEndpoint } from './row.ts'

function endpoint(change: object = {}): MatchableEndpoint {
  const settings = readEndpointRequest({ url: 'https://example.com', ...change })
  return { ...settings, id: 'e1', status_reason: null, status_since: '1970-01-01T00:00:00.000Z', heals: false }
}
function deployed(facts: object = {}) {
  return {
    type: 'environment.deployed',
    facts: { environment: 'production', app: 'bot', project: 'p', ...facts },
  }
}
function isNotified(change: object, event: { type: string; facts: object }, payload: Json = {}) {
  return matchEndpoints([endpoint(change)], { ...event, says: () => payload }).length === 1
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

  it('wants only the projects it names', () => {
    expect(isNotified({ projects: ['p', 'q'] }, deployed())).toBe(true)
    expect(isNotified({ projects: ['q'] }, deployed())).toBe(false)
    expect(isNotified({ projects: ['q'] }, deployed({ project: undefined }))).toBe(true)
  })

  it('wants only what meets its conditions', () => {
    const wants = { conditions: { 'data.revision': { gte: 3 } } }
    expect(isNotified(wants, deployed(), { data: { revision: 3 } })).toBe(true)
    expect(isNotified(wants, deployed(), { data: { revision: 2 } })).toBe(false)
  })

  it('has the payload read once for all, and only if one of them has conditions for such an event', () => {
    let times = 0
    const says = () => {
      times += 1
      return { a: 1 }
    }
    const plain = [endpoint(), endpoint({ events: ['push'], conditions: { a: 1 } })]
    expect(matchEndpoints(plain, { ...deployed(), says })).toHaveLength(1)
    expect(times).toBe(0)
    const asking = [endpoint({ conditions: { a: 1 } }), endpoint({ conditions: { a: 2 } }), ...plain]
    expect(matchEndpoints(asking, { ...deployed(), says })).toHaveLength(2)
    expect(times).toBe(1)
  })

  it('is not kept from an event by an environment or application the event does not have', () => {
    expect(isNotified({ events: ['push'], apps: ['bot'] }, { type: 'push', facts: { repository: 'acme/bot' } })).toBe(
      true,
    )
  })

  it('that a person disabled is sent nothing, and what it missed is kept; a paused or failing one gets it later', () => {
    const skipped = (change: object) => {
      const one = { ...endpoint(), ...change }
      return deliveriesFor({ id: 'e', facts: {} }, [one], { maxAttempts: () => 1 })[0]?.skipped
    }
    expect(skipped({ status: 'disabled' })).toBe('The endpoint was disabled since 1970-01-01T00:00:00.000Z.')
    expect([{ status: 'paused' }, { status: 'disabled', heals: true }, {}].map(skipped)).toEqual([null, null, null])
  })

  it('is not notified of what is said of itself', () => {
    const failing = { type: 'endpoint.failing', facts: { endpoint: 'e1' } }
    expect(isNotified({ events: ['*'] }, failing)).toBe(false)
    expect(isNotified({ events: ['*'] }, { ...failing, facts: { endpoint: 'e2' } })).toBe(true)
  })

  it('keeps the order of deployments of an application and environment where it wants that', () => {
    const { facts } = deployed()
    const [one] = deliveriesFor({ id: 'e', facts }, [endpoint({ ordering: 'ordered' })], { maxAttempts: () => 1 })
    const [other] = deliveriesFor({ id: 'e', facts }, [endpoint()], { maxAttempts: () => 1 })
    expect([one?.holdsGroup, other?.holdsGroup]).toEqual([true, false])
    const [push] = deliveriesFor({ id: 'e', facts: {} }, [endpoint({ ordering: 'ordered' })], { maxAttempts: () => 1 })
    expect(push).toMatchObject({ groupKey: null, holdsGroup: false })
  })
})

describe('the explanation', () => {
  it.each([
    [{}, {}, 'Notified: it wants "environment.deployed", and this is "environment.deployed".'],
    [
      { status: 'disabled' },
      {},
      'Skipped, and kept to be recovered: it is disabled since 1970-01-01T00:00:00.000Z; it wants "environment.deployed", and this is "environment.deployed".',
    ],
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
    [{ projects: ['a'] }, {}, 'Not notified: it wants project "a", and this is "p".'],
    [{ conditions: { 'data.n': { gte: 3 } } }, {}, 'Not notified: it wants data.n >= 3, and this is 2.'],
  ])('of %j for %j is one sentence', (change, facts, sentence) => {
    const payload = { data: { n: 2 } }
    const [verdict] = explainEndpoints([endpoint(change)], { ...deployed(facts), says: () => payload })
    expect(verdict).toEqual({
      endpoint: 'example.com',
      matched: sentence.startsWith('Notified'),
      sentence,
    })
  })
})

describe('the deliveries of an event', () => {
  const limits = { maxAttempts: (schedule: readonly number[] | null) => schedule?.length ?? 10 }

  it('have ids computed from event and endpoint, so that making them twice makes them once', () => {
    const event = { id: 'ev1', ...deployed() }
    expect(deliveriesFor(event, [endpoint()], limits)).toEqual(deliveriesFor(event, [endpoint()], limits))
    expect(deliveriesFor({ ...event, id: 'ev2' }, [endpoint()], limits)[0]?.id).not.toBe(
      deliveriesFor(event, [endpoint()], limits)[0]?.id,
    )
  })

  it('have as many attempts as there are for the schedule of the endpoint', () => {
    const ofSchedule = (schedule: number[] | null) =>
      deliveriesFor({ id: 'ev', facts: {} }, [endpoint({ schedule })], limits)[0]?.maxAttempts
    expect([ofSchedule(null), ofSchedule([5, 60]), ofSchedule([])]).toEqual([10, 2, 0])
  })

  it('share a group when they bring the same app and environment to the same endpoint', () => {
    const groupOf = (facts: object, id = 'e1') =>
      deliveriesFor({ id: 'ev', ...deployed(facts) }, [{ ...endpoint(), id }], limits)[0]?.groupKey
    expect(groupOf({})).toBe(groupOf({}))
    expect(new Set([groupOf({}), groupOf({ app: 'b' }), groupOf({ environment: 'x' }), groupOf({}, 'e2')]).size).toBe(4)
    expect(deliveriesFor({ id: 'ev', facts: {} }, [endpoint()], limits)[0]?.groupKey).toBeNull()
  })
})
