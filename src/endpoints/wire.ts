// Endpoints on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { json, jsonObject, time } from '../lib/wire.ts'

/** What an endpoint is: what is sent, and by which protocol. */
export const endpointKind = z.enum(['webhook', 'slack', 'telegram', 'email', 'github-dispatch'])

/**
 * Whether an endpoint is notified. For a paused one deliveries are kept until it is active
 * again; for a disabled one they are skipped, and can be recovered.
 */
export const endpointStatus = z.enum(['active', 'paused', 'disabled'])

/** What a delivery's body is: the one form of all events, or what came. */
export const format = z.enum(['envelope', 'raw'])

/** How a delivery is signed. */
export const signature = z.enum(['standard', 'agenta', 'ed25519'])

/** How deliveries of one application and environment follow each other. */
export const ordering = z.enum(['parallel', 'ordered', 'latest-only'])

const globs = z.array(z.string())
function factGlobs(what: string) {
  return globs.nullable().meta({ description: `${what} it wants, as globs, of events that have one; null is all.` })
}

const endpointSecret = z.object({
  fingerprint: z.string().meta({ description: 'The first 8 hexadecimal digits of its SHA-256.' }),
  created_at: time,
  expires_at: time.nullable().meta({ description: 'When it stops signing; null while it is not being replaced.' }),
})

const endpointHealth = z.object({
  state: z
    .enum(['closed', 'open', 'recovering'])
    .meta({ description: '`open` while so many attempts fail that one is made only from time to time.' }),
  failures: z.int().meta({ description: 'Failed attempts since the last success.' }),
  failing_since: time.nullable(),
  last_error: z.string().nullable(),
  last_success_at: time.nullable(),
  last_failure_at: time.nullable(),
})

/** An endpoint as everyone may see it: of its secrets, header values and credential, only hints. */
export const endpoint = z
  .object({
    id: z.uuid(),
    name: z.string(),
    kind: endpointKind,
    url: z.string(),
    settings: jsonObject,
    has_credential: z.boolean(),
    secrets: z.array(endpointSecret).meta({ description: 'Those that sign, the newest first.' }),
    headers: z.array(z.string()).meta({ description: 'The names of the headers of its own.' }),
    events: globs.meta({ description: 'Event types it wants, as globs.' }),
    projects: factGlobs('Projects'),
    environments: factGlobs('Environments'),
    apps: factGlobs('Applications'),
    conditions: z.record(z.string(), json).nullable().meta({ description: 'What it wants of what an event says.' }),
    format,
    signatures: z.array(signature),
    ordering,
    schedule: z.array(z.int()).nullable().meta({ description: 'Seconds from one attempt to the next.' }),
    rate_per_second: z.number().nullable(),
    concurrency: z.int().nullable(),
    templates: z.record(z.string(), z.string()),
    status: endpointStatus,
    status_reason: z
      .string()
      .nullable()
      .meta({ description: 'Why it is not active, where Signalbox paused or disabled it by itself.' }),
    status_since: time.meta({ description: 'Since when it has this status.' }),
    health: endpointHealth,
    origin: z.enum(['config', 'api']).meta({ description: 'Whether the configuration file or the API made it.' }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Endpoint' })

/**
 * The answer to a created endpoint, and to a rotated secret: these alone show a secret that was
 * made.
 */
export const createdEndpoint = endpoint
  .extend({
    secret: z.string().optional().meta({ description: 'The secret made for it; absent when the request brought one.' }),
  })
  .meta({ id: 'CreatedEndpoint' })

/** The answer to a changed endpoint. */
export const changedEndpoint = endpoint
  .extend({
    dropped: z.array(z.string()).meta({
      description:
        'The headers and the credential that were taken away because the URL is another, and they may not be meant for it: give them again.',
    }),
  })
  .meta({ id: 'ChangedEndpoint' })

/** The answer to a deleted endpoint. */
export const deletedEndpoint = z
  .object({
    id: z.uuid(),
    name: z.string(),
    deleted: z.literal(true),
    pending_deliveries: z.int().meta({ description: 'How many deliveries were pending, and are gone with it.' }),
  })
  .meta({ id: 'DeletedEndpoint' })

/** Why an endpoint is or is not notified of an event. */
export const endpointExplanation = z
  .object({ endpoint: z.string(), matched: z.boolean(), sentence: z.string() })
  .meta({ id: 'EndpointExplanation' })
export type EndpointExplanation = z.infer<typeof endpointExplanation>
