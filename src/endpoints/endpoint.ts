// What an endpoint is: where and how somebody is notified of which events. And how the requests
// and the configuration that make one are checked.
import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { entryLabel, PARSING, problemLines } from '../lib/zod.ts'
import { configuredEndpoint, endpointChange, endpointRequest, rotation } from './fields.ts'
import { withLowerCaseNames } from './header-names.ts'
import type { PlainSecrets } from './secrets.ts'
import { signingProblems } from './signing-key.ts'
import type { ReadTarget, Target } from './target.ts'
import { readTarget } from './target.ts'
import type { endpoint } from './wire.ts'

/** An endpoint as everyone may see it: its secrets are not part of it. */
export type Endpoint = z.infer<typeof endpoint>

/** What of an endpoint is stored as it was asked for. */
export type Settings = Pick<Endpoint, 'name' | 'kind' | 'url' | 'settings' | 'status'> &
  Omit<z.output<typeof configuredEndpoint>, 'name' | 'url' | 'secret' | 'secrets' | 'headers' | 'credential'>

/** What an endpoint is made from, checked and complete. */
export type NewEndpoint = Settings & PlainSecrets

/**
 * An endpoint in `signalbox.config.ts`: its name is unique, and the secret of a webhook is set
 * there.
 */
export type EndpointConfig = Omit<z.input<typeof configuredEndpoint>, 'name'> & { name: string }

/** What depends on the rest of the program. */
export type EndpointChecks = {
  /** What the address may be. Default: a public one of a webhook. */
  readTarget?: ReadTarget | undefined
  /**
   * A sentence for each of these types that nobody is known to send. Default: all are known.
   */
  unknownTypes?: ((events: readonly string[]) => string[]) | undefined
  /** Whether the installation can sign with ed25519. Default: it can. */
  hasSigningKey?: boolean | undefined
}

/** Whether what it is sent is signed: all others know Signalbox by their own credentials. */
export function isSigned({ kind }: Pick<Endpoint, 'kind'>): boolean {
  return kind === 'webhook'
}

/** A new secret in the form of Standard Webhooks, of 32 random bytes. */
export function generateSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

/**
 * Checks the body of a request for an endpoint.
 * @throws AppError `input_invalid` naming every field at fault.
 */
export function readEndpointRequest(body: unknown, checks: EndpointChecks = {}): NewEndpoint {
  const { force, ...request } = parse(endpointRequest, body)
  const { endpoint, problems } = complete(request, checks)
  const all = [...problems, ...unknownTypes(request.events, force, checks)]
  if (endpoint === undefined || all.length > 0) throw new AppError('input_invalid', all.join('\n'))
  return endpoint
}

/** What is to change of an endpoint; `headers` with null are to be taken away. */
export type EndpointChange = Omit<z.output<typeof endpointChange>, 'force'>

const UNCHANGEABLE: Readonly<Record<string, string>> = {
  secret: 'is replaced by POST /api/endpoints/{id}/rotate',
  secrets: 'are replaced by POST /api/endpoints/{id}/rotate',
  kind: 'cannot be changed: create another endpoint',
}

/**
 * Checks the body of a request to change an endpoint; its address is checked with what is
 * stored.
 * @throws AppError `input_invalid` naming every field at fault.
 */
export function readEndpointChange(body: unknown, checks: EndpointChecks = {}): EndpointChange {
  const refused = Object.entries(UNCHANGEABLE).find(([field]) => Object.hasOwn(Object(body), field))
  if (refused !== undefined) throw new AppError('input_invalid', refused.join(': '))
  const { force, ...change } = parse(endpointChange, body)
  const problems = [...unknownTypes(change.events ?? [], force, checks), ...signingProblems(change.signatures, checks)]
  if (problems.length > 0) throw new AppError('input_invalid', problems.join('\n'))
  return change.headers === undefined ? change : { ...change, headers: withLowerCaseNames(change.headers) }
}

/**
 * Checks the body of a request to replace the secret of an endpoint.
 * @throws AppError `input_invalid` naming every field at fault.
 */
export function readRotation(body: unknown): z.output<typeof rotation> {
  return parse(rotation, body)
}

/**
 * Checks the endpoints of a configuration.
 * @throws AppError `config_invalid` naming each endpoint and field at fault.
 */
export function readEndpointConfigs(configured: readonly unknown[], checks: EndpointChecks = {}): NewEndpoint[] {
  const entries = configured.map((entry) => {
    const { data, error } = configuredEndpoint.safeParse(entry, PARSING)
    return error ? { problems: problemLines(error, { root: ROOT }) } : complete(data, checks)
  })
  const problems = entries.flatMap(({ endpoint, problems }, index) => {
    const first = entries.findIndex((other) => endpoint && other.endpoint?.name === endpoint.name)
    const found = [
      ...problems,
      ...(endpoint && Object(configured[index]).name === undefined ? ['name: is required'] : []),
      ...(first !== -1 && first < index ? [`name: endpoints[${first}] has it too; every endpoint needs its own`] : []),
      ...(endpoint && isSigned(endpoint) && endpoint.secrets.length === 0 ? ['secret: is required'] : []),
    ]
    return found.map((problem) => `${entryLabel('endpoints', index, configured[index])}: ${problem}`)
  })
  if (problems.length > 0) throw new AppError('config_invalid', problems.join('\n'))
  return entries.flatMap(({ endpoint }) => endpoint ?? [])
}

const ROOT = 'the endpoint'

function parse<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const { data, error } = schema.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', problemLines(error, { root: ROOT }).join('\n'))
  return data
}

/** A result, or else what is wrong with the input, a line for each mistake. */
type Read = { endpoint?: NewEndpoint; problems: string[] }

function complete(fields: z.output<typeof configuredEndpoint>, checks: EndpointChecks): Read {
  const { secret, secrets = [], headers, name, url, ...rest } = fields
  const { target, problems: inAddress } = readAddress({ ...rest, url }, checks)
  const problems = [...inAddress, ...signingProblems(rest.signatures, checks)]
  if (target === undefined || problems.length > 0) return { problems }
  const endpoint = {
    ...rest,
    ...target,
    name: name ?? (new URL(target.url).host || target.url),
    secrets: [...new Set([...(secret === undefined ? [] : [secret]), ...secrets])],
    headers: withLowerCaseNames(headers),
  }
  return { endpoint, problems }
}

function readAddress(
  { kind, url, settings, credential, templates }: Parameters<ReadTarget>[0],
  checks: EndpointChecks,
): { target?: Target; problems: string[] } {
  try {
    return {
      target: (checks.readTarget ?? readTarget)({ kind, url, settings, credential, templates }),
      problems: [],
    }
  } catch (error) {
    return { problems: linesOf(error) }
  }
}

function linesOf(error: unknown): string[] {
  if (error instanceof AppError && error.code === 'input_invalid') return error.detail.split('\n')
  throw error
}

function unknownTypes(events: readonly string[], force: boolean, checks: EndpointChecks): string[] {
  const sentences = force ? [] : (checks.unknownTypes?.(events) ?? [])
  return sentences.map((sentence) => {
    const whole = sentence.endsWith('?') ? sentence : `${sentence}.`
    return `events: ${whole} Set "force": true (--force) to ask for it all the same.`
  })
}
