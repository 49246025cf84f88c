// The fields of an endpoint in requests and in the configuration: what each may be.
import { MIN_SECRET_CHARS, secretProblem } from '@signalbox/sdk/scheme'
import { z } from 'zod'
import { conditions } from '../lib/conditions.ts'
import { isGlob } from '../lib/glob.ts'
import { jsonObject } from '../lib/wire.ts'
import { headersOf, headerValue } from './header-names.ts'
import { endpointKind, endpointStatus, format, ordering, signature } from './wire.ts'

/** How long a replaced secret signs by default, in hours. */
const OVERLAP_HOURS = 24
const MAX_OVERLAP_HOURS = 168
const DAY_SECONDS = 86_400

const secret = z
  .string()
  .max(200)
  .superRefine((value, context) => {
    const problem = secretProblem(value)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })
  .meta({
    description: `\`whsec_\` and base64 of 24 to 64 bytes, or ${MIN_SECRET_CHARS} characters or more of visible ASCII without spaces. Default for a webhook, in the API: one is made.`,
  })
// PostgreSQL's text cannot hold \u0000, and UTF-8 no lone surrogate.
const line = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be one line of well-formed text without control characters')
const glob = line.refine(isGlob, 'must name what it excludes after "!"')
const globs = z.array(glob).min(1, 'must name at least one; "*" is all').max(100)
function factGlobs(what: string) {
  return globs.nullable().meta({ description: `${what}, as globs, of events that have one; null is all.` })
}

const name = line.meta({
  description:
    "Shown in lists; refused when another endpoint has it. Default: the URL's host. In the configuration it is required.",
})
const url = z.string().max(2048).meta({
  description:
    'Required of a webhook: `https:` to a public address, or to what `SIGNALBOX_ALLOW_HOSTS` of the server names.',
})
const settings = jsonObject.meta({ description: 'What else its kind needs.' })
const credential = z.string().min(1).max(4096).meta({ description: 'What its kind authenticates with; never shown.' })
const events = globs.meta({ description: 'Event types, as globs.' })
const plain = {
  projects: factGlobs('Projects'),
  environments: factGlobs('Environments'),
  apps: factGlobs('Applications'),
  conditions: conditions.nullable().meta({
    description:
      'Conditions on what the event says, by path: `{"data.revision": {"gte": 3}, "ref": "refs/heads/*"}`. All must hold.',
  }),
  format: format.meta({ description: '`raw` sends the body as it came, without the envelope.' }),
  signatures: z
    .array(signature)
    .min(1)
    .refine((all) => new Set(all).size === all.length, 'must have each once')
    .meta({ description: 'In which forms deliveries are signed.' }),
  ordering: ordering.meta({ description: 'How deliveries of one application and environment follow each other.' }),
  schedule: z
    .array(
      z
        .int()
        .min(1)
        .max(7 * DAY_SECONDS),
    )
    .max(30)
    .nullable()
    .meta({ description: 'Seconds from one attempt to the next; null is the schedule of Standard Webhooks.' }),
  rate_per_second: z.number().min(0.001).max(1000).nullable().meta({ description: 'Attempts per second at most.' }),
  concurrency: z.int().min(1).max(1000).nullable().meta({ description: 'Deliveries under way at once at most.' }),
  templates: z
    .record(z.string(), z.string())
    .meta({ description: 'Texts of messages by event type or glob: at most 50, each of at most 1,500 characters.' }),
}
const headers = headersOf(headerValue).meta({
  description: 'Headers of its own, sent with every delivery. Their values are never shown.',
})

const configured = z.strictObject({
  name: name.optional(),
  kind: endpointKind.default('webhook'),
  url: url.optional(),
  settings: settings.default({}),
  credential: credential.nullable().default(null),
  secret: secret.optional(),
  secrets: z
    .array(secret)
    .min(1)
    .max(5)
    .optional()
    .meta({ description: 'All that are live while one rotates, `secret` included if that is given too.' }),
  headers: headers.default({}),
  events: events.default(['environment.deployed']),
  projects: plain.projects.default(null),
  environments: plain.environments.default(['production']),
  apps: plain.apps.default(null),
  conditions: plain.conditions.default(null),
  format: plain.format.default('envelope'),
  signatures: plain.signatures.default(['standard', 'agenta']),
  ordering: plain.ordering.default('parallel'),
  schedule: plain.schedule.default(null),
  rate_per_second: plain.rate_per_second.default(null),
  concurrency: plain.concurrency.default(null),
  templates: plain.templates.default({}),
  status: endpointStatus.default('active'),
})

const force = z.boolean().default(false).meta({ description: 'Takes event types that nobody is known to send.' })

/** An endpoint of the configuration. */
export const configuredEndpoint = configured

/** The body of `POST /api/endpoints`. */
export const endpointRequest = configured.extend({ force })

/** The body of `PATCH /api/endpoints/{id}`: what is absent stays. */
export const endpointChange = z
  .strictObject({
    name,
    url,
    settings,
    credential: credential.nullable(),
    headers: headersOf(headerValue.nullable()).meta({
      description: 'Headers to set, and with null to take away; the others stay.',
    }),
    events,
    ...plain,
    status: endpointStatus,
  })
  .partial()
  .extend({ force })

/** The body of `POST /api/endpoints/{id}/rotate`. */
export const rotation = z.strictObject({
  overlap_hours: z
    .number()
    .min(0)
    .max(MAX_OVERLAP_HOURS)
    .default(OVERLAP_HOURS)
    .meta({ description: 'For how long the secrets so far sign too; 0 revokes them.' }),
  secret: secret.optional(),
})
