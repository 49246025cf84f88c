// Endpoints on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { time } from '../lib/wire.ts'

/**
 * Whether an endpoint is notified. For a paused one deliveries are kept until it is active
 * again; for a disabled one there are no new ones.
 */
export const endpointStatus = z.enum(['active', 'paused', 'disabled'])

const globs = z.array(z.string())

/** An endpoint as everyone may see it: its secrets are not part of it. */
export const endpoint = z
  .object({
    id: z.uuid(),
    name: z.string(),
    url: z.string(),
    events: globs.meta({ description: 'Event types it wants, as globs.' }),
    environments: globs
      .nullable()
      .meta({ description: 'Environments it wants, as globs, of events that have one; null is all.' }),
    apps: globs
      .nullable()
      .meta({ description: 'Applications it wants, as globs, of events that have one; null is all.' }),
    status: endpointStatus,
    status_reason: z
      .string()
      .nullable()
      .meta({ description: 'Why it is not active, where Signalbox paused or disabled it by itself.' }),
    status_since: time.meta({ description: 'Since when it has this status.' }),
    origin: z.enum(['config', 'api']).meta({ description: 'Whether the configuration file or the API made it.' }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Endpoint' })

/** The answer to a created endpoint: the only one that shows a secret. */
export const createdEndpoint = endpoint
  .extend({
    secret: z.string().optional().meta({ description: 'The secret made for it; absent when the request brought one.' }),
  })
  .meta({ id: 'CreatedEndpoint' })

/** Why an endpoint is or is not notified of an event. */
export const endpointExplanation = z
  .object({ endpoint: z.string(), matched: z.boolean(), sentence: z.string() })
  .meta({ id: 'EndpointExplanation' })
export type EndpointExplanation = z.infer<typeof endpointExplanation>
