// Test events: what an endpoint would be sent for an event of some type, without one having
// happened.
import type { Endpoint } from '../endpoints/endpoint.ts'
import type { Draft } from '../events/event.ts'
import { compileGlobs, NAME } from '../lib/glob.ts'
import { newId } from '../lib/id.ts'
import { TEST_SOURCE } from '../sources/event-type.ts'
import { EVENT_TYPES, requireType } from './catalogue.ts'
import { exampleOf } from './examples.ts'

/** The type that an endpoint is tested with unless another is named: the first one it wants. */
export function testTypeFor({ events }: Pick<Endpoint, 'events'>): string {
  const isWanted = compileGlobs(events, NAME)
  return EVENT_TYPES.find(({ type }) => isWanted(type))?.type ?? 'environment.deployed'
}

/**
 * The event of a test: the catalogue's example of its type with a time and a delivery id of its
 * own, and with `test: true` in its `data`, so that a receiver can know it for what it is.
 * @throws AppError `not_found` for a type that is not known.
 */
export function testEvent(type: string, { endpoint, now }: { endpoint: Pick<Endpoint, 'id'>; now: Date }): Draft {
  requireType(type)
  const id = newId(now)
  const deliveryId = `test_${id}`
  const example = exampleOf(type, { at: now, deliveryId })
  if (example === null) throw new Error(`There is no example of ${type}.`)
  const { subject, actor, facts, envelope } = example
  return {
    id,
    source: TEST_SOURCE,
    deliveryId,
    type,
    subject,
    actor,
    facts,
    body: Buffer.from(JSON.stringify({ ...envelope, data: { ...envelope.data, test: true } })),
    payload: null,
    contentType: 'application/json',
    headers: {},
    depth: 0,
    causeJobId: null,
    deliverTo: endpoint.id,
  }
}
