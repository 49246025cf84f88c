// What the shapes on the wire have in common: times, free JSON, pages. The shapes themselves stand
// beside their owners, in `src/*/wire.ts`.
import { z } from 'zod'
import type { Json } from './json.ts'

/** A time, as `toISOString()` writes it. */
export const time = z.iso.datetime().meta({ description: 'ISO 8601, in UTC.' })

/** Any JSON value, null included. */
export const json = z
  .custom<Json>((value) => value !== undefined)
  .meta({
    type: ['null', 'boolean', 'number', 'string', 'array', 'object'],
    description: 'Any JSON value.',
  })

/** A JSON object with any keys. */
export const jsonObject = z.record(z.string(), json)

/** How a configuration differs from the one before. */
export const configDiff = z
  .object({
    added: jsonObject,
    modified: z.record(z.string(), z.object({ old: json, new: json })),
    removed: jsonObject,
  })
  .meta({
    id: 'ConfigDiff',
    description: 'How the configuration differs from the one before, by the dotted path of each parameter.',
  })

/** What a job may use: tokens, US dollars and minutes. */
export const budget = z
  .object({ tokens: z.number().optional(), usd: z.number().optional(), minutes: z.number().optional() })
  .meta({ id: 'Budget' })
