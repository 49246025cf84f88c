// The catalogue on the wire: what the API answers, described by one schema each.
import { z } from 'zod'
import { jsonObject } from '../lib/wire.ts'

/** A type of events. */
export const eventTypeSummary = z
  .object({
    type: z.string().meta({ description: 'What `events` of an endpoint and `on` of a rule match.' }),
    source: z.string().meta({ description: '`signalbox` for what Signalbox reports itself.' }),
    description: z.string(),
  })
  .meta({ id: 'EventTypeSummary' })

/** A type with what is sent for its events. */
export const eventTypeDetail = eventTypeSummary
  .extend({
    schema: jsonObject.meta({
      description: 'JSON Schema (2020-12) of the body of a delivery. It may get more fields.',
    }),
    example: jsonObject.meta({ description: 'The body of a delivery.' }),
  })
  .meta({ id: 'EventTypeDetail' })
