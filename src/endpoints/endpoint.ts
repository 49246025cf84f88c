// What an endpoint is: an address that is notified of events. And how the request to create one
// is checked.
import { randomBytes } from 'node:crypto'
import { MIN_SECRET_CHARS, secretProblem } from '@signalbox/sdk/scheme'
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { isGlob } from '../lib/glob.ts'
import { isLoopback } from '../lib/loopback.ts'
import { entryLabel, PARSING, problemLines } from '../lib/zod.ts'
import type { endpoint } from './wire.ts'
import { endpointStatus } from './wire.ts'

/** An endpoint as everyone may see it: its secrets are not part of it. */
export type Endpoint = z.infer<typeof endpoint>

/** What an endpoint is made from, checked and complete. */
export type NewEndpoint = Pick<Endpoint, 'name' | 'url' | 'events' | 'environments' | 'apps' | 'status'> & {
  /**
   * Every live one: each delivery is signed with all of them, the first also in Agenta's form.
   */
  secrets: string[]
  /** Sent with each delivery, under lower-case names. */
  headers: Record<string, string>
  /** What it authenticates with, where it is not a webhook. */
  credential: string | null
}

const secret = z
  .string()
  .max(200)
  .superRefine((value, context) => {
    const problem = secretProblem(value)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })
// PostgreSQL's text cannot hold \u0000, and UTF-8 no lone surrogate.
const line = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be one line of well-formed text without control characters')
const globs = z
  .array(line.refine(isGlob, 'must name what it excludes after "!"'))
  .min(1, 'must name at least one; "*" is all')
  .max(100)

/** The body of `POST /api/endpoints`, and an endpoint of the configuration. */
export const endpointRequest = z.strictObject({
  name: line.optional().meta({
    description:
      "Shown in lists; refused when another endpoint has it. Default: the URL's host. In the configuration it is required.",
  }),
  url: z.string().max(2048).meta({ description: '`https:`, or `http:` to this machine.' }),
  secret: secret.optional().meta({
    description: `\`whsec_\` and base64 of 24 to 64 bytes, or ${MIN_SECRET_CHARS} characters or more of visible ASCII without spaces. Default for the API: one is made.`,
  }),
  secrets: z
    .array(secret)
    .min(1)
    .max(5)
    .optional()
    .meta({ description: 'All that are live while one rotates, `secret` included if that is given too.' }),
  events: globs.default(['environment.deployed']).meta({ description: 'Event types, as globs.' }),
  environments: globs
    .nullable()
    .default(['production'])
    .meta({ description: 'Environments, as globs, of events that have one; null is all.' }),
  apps: globs
    .nullable()
    .default(null)
    .meta({ description: 'Applications, as globs, of events that have one; null is all.' }),
  status: endpointStatus.default('active'),
})

/** An endpoint in `signalbox.config.ts`: its name is unique, and its secret is set there. */
export type EndpointConfig = Omit<z.input<typeof endpointRequest>, 'name'> & { name: string }

/** A new secret in the form of Standard Webhooks, of 32 random bytes. */
export function generateSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

/**
 * Checks the body of a request for an endpoint.
 * @throws AppError `input_invalid` naming every field at fault.
 */
export function readEndpointRequest(body: unknown): NewEndpoint {
  const { endpoint, problems } = read(body)
  if (endpoint === undefined) throw new AppError('input_invalid', problems.join('\n'))
  return endpoint
}

/**
 * Checks the endpoints of a configuration.
 * @throws AppError `config_invalid` naming each endpoint and field at fault.
 */
export function readEndpointConfigs(configured: readonly unknown[]): NewEndpoint[] {
  const entries = configured.map(read)
  const problems = entries.flatMap(({ endpoint, problems }, index) => {
    const first = entries.findIndex((other) => endpoint && other.endpoint?.name === endpoint.name)
    const found = [
      ...problems,
      ...(endpoint && Object(configured[index]).name === undefined ? ['name: is required'] : []),
      ...(first !== -1 && first < index ? [`name: endpoints[${first}] has it too; every endpoint needs its own`] : []),
      ...(endpoint?.secrets.length === 0 ? ['secret: is required'] : []),
    ]
    return found.map((problem) => `${entryLabel('endpoints', index, configured[index])}: ${problem}`)
  })
  if (problems.length > 0) throw new AppError('config_invalid', problems.join('\n'))
  return entries.flatMap(({ endpoint }) => endpoint ?? [])
}

/** The endpoint, or else what is wrong with it, a line for each mistake. */
function read(input: unknown): { endpoint?: NewEndpoint; problems: string[] } {
  const { data, error } = endpointRequest.safeParse(input, PARSING)
  if (error) return { problems: problemLines(error, { root: 'the endpoint' }) }
  const problem = urlProblem(data.url)
  if (problem !== null) return { problems: [`url: ${problem}`] }
  const { secret: only, secrets, name, url, ...rest } = data
  const all = [...(only === undefined ? [] : [only]), ...(secrets ?? [])]
  const endpoint = {
    ...rest,
    name: name ?? new URL(url).host,
    url: new URL(url).href,
    secrets: [...new Set(all)],
    headers: {},
    credential: null,
  }
  return { endpoint, problems: [] }
}

function urlProblem(text: string): string | null {
  if (!URL.canParse(text)) return 'is not a URL'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be https:'
  // It would be stored and shown in clear, and HTTP clients drop it.
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  // The URL parser has already turned 127.1, 0x7f000001 and their like into dotted decimals.
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) return 'must be https: beyond this machine'
  return null
}
