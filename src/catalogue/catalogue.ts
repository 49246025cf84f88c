// Which types of events there are: each with a description, a schema of what is sent, and an
// example.
import type { Json } from '@signalbox/sdk'
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { compileGlobs, NAME } from '../lib/glob.ts'
import { newId } from '../lib/id.ts'
import { json, jsonObject } from '../lib/wire.ts'
import { GITHUB_EVENT_OF } from '../sources/github/event-types.ts'
import { unknownTypes } from '../sources/known-types.ts'
import { exampleOf, isOwnType } from './examples.ts'
import { deliveryId, isTest, OWN_DESCRIPTIONS, ownSchema, timestamp } from './own-types.ts'
import type { eventTypeDetail, eventTypeSummary } from './wire.ts'

/** A type of events, as lists show it. */
export type EventTypeSummary = z.infer<typeof eventTypeSummary>

/** A type of events with its schema and an example. */
export type EventTypeDetail = z.infer<typeof eventTypeDetail>

const GITHUB_DOCS = 'https://docs.github.com/webhooks/webhook-events-and-payloads'

/** The known types, this program's own first. A configured source has others, below its name. */
export const EVENT_TYPES: readonly EventTypeSummary[] = [
  ...Object.entries(OWN_DESCRIPTIONS).map(([type, description]) => ({ type, source: 'signalbox', description })),
  ...[...GITHUB_EVENT_OF].map(([type, { event, action }]) => ({
    type,
    source: 'github',
    description: `GitHub's ${event}${action === undefined ? '' : `, ${action}`}: \`data.payload\` is as in ${GITHUB_DOCS}#${event}`,
  })),
]

/** The known types that a glob matches; all without one. */
export function listEventTypes(glob?: string): EventTypeSummary[] {
  const isWanted = glob === undefined ? () => true : compileGlobs(glob, NAME)
  return EVENT_TYPES.filter(({ type }) => isWanted(type))
}

/**
 * One type with what is sent for it.
 * @throws AppError `not_found` for a type that is not known.
 */
export function showEventType(type: string, now: Date): EventTypeDetail {
  const summary = requireType(type)
  const example = exampleOf(type, { at: now, deliveryId: newId(now) })
  if (example === null) throw new Error(`There is no example of ${type}.`)
  return { ...summary, schema: schemaOf(type), example: example.envelope as EventTypeDetail['example'] }
}

/**
 * A type that is known.
 * @throws AppError `not_found` with the nearest one.
 */
export function requireType(type: string): EventTypeSummary {
  const found = EVENT_TYPES.find((each) => each.type === type)
  if (found !== undefined) return found
  const [sentence = `no known event is called ${JSON.stringify(type)}`] = unknownTypes([type], [])
  throw new AppError('not_found', `type: ${sentence}. "signalbox events types" lists them.`)
}

/** The schema of what an event of another source is sent as. */
export const relayedSchema = z.object({
  event: z.string(),
  timestamp: timestamp.meta({ description: 'When Signalbox received it, RFC 3339.' }),
  delivery_id: deliveryId,
  project_id: z.string().nullable(),
  data: z.object({
    source: z.string(),
    subject: z.string().nullable().meta({ description: 'What it is about, such as `acme/shop#12`.' }),
    actor: z.string().nullable().meta({ description: 'Who caused it.' }),
    facts: jsonObject.meta({ description: 'What rules match on, such as `repository` and `branch`.' }),
    payload: json.meta({ description: 'What the source sent, as JSON.' }),
    test: isTest,
  }),
})

/** JSON Schema of the body of a delivery. It is open, because fields may be added. */
function schemaOf(type: string): { [key: string]: Json } {
  const schema = isOwnType(type) ? ownSchema(type) : relayedSchema.extend({ event: z.literal(type) })
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as { [key: string]: Json }
}
