// The configured senders by name, which is the last part of the path they post to.
import { MIN_SECRET_CHARS } from '@signalbox/sdk/scheme'
import { AppError } from '../lib/error.ts'
import { plainRepositoryName } from '../lib/repository.ts'
import { agenta } from './agenta/agenta.ts'
import { typeUnder } from './event-type.ts'
import { github } from './github/github.ts'
import { isReserved } from './known-types.ts'
import { liveSecrets } from './signature.ts'
import type { Normalised, Source } from './source.ts'

const NAME = /^[a-z][a-z0-9-]{0,39}$/
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization']
const STEPS = ['open', 'verify', 'normalise'] as const
// The delivery's id is part of an index key, and PostgreSQL's may not exceed 2,704 bytes.
const MAX_ID_CHARS = 500
const MAX_TYPE_CHARS = 200

/**
 * GitHub, Agenta and those of the configuration; without secrets a source is there, and closed.
 * @throws AppError `config_invalid` naming the entry and the field at fault.
 */
export function sourcesFrom(options: {
  githubSecrets: readonly string[]
  agentaSecrets: readonly string[]
  /** Whether what Agenta's events refer to is resolved through its API. */
  isAgentaResolved?: boolean
  others?: readonly Source[]
}): ReadonlyMap<string, Source> {
  const { githubSecrets, agentaSecrets, isAgentaResolved = false, others = [] } = options
  const builtIn: Source[] = [
    github({ secrets: githubSecrets }),
    agenta({ secrets: agentaSecrets, isResolved: isAgentaResolved }),
  ]
  const sources = new Map(builtIn.map((source) => [source.name, source]))
  for (const [index, source] of others.entries()) {
    const problem = problemOf(Object(source)) ?? (sources.has(source.name) ? nameProblem(source.name) : null)
    if (problem !== null) throw new AppError('config_invalid', `sources[${index}]${problem}`)
    sources.set(source.name, underItsName(source))
  }
  return sources
}

/**
 * What is wrong with a source of a configuration file, as the rest of a sentence; null if nothing
 * is.
 */
function problemOf(source: Partial<Record<keyof Source, unknown>>): string | null {
  const { name, secrets, keptHeaders } = source
  const missing = ['name', 'secrets', 'keptHeaders', ...STEPS].every((key) => !(key in source))
  if (missing) return ' is not a source: create sources with standardWebhooks() or defineSource().'
  if (typeof name !== 'string' || !NAME.test(name)) {
    return '.name: must be a lower-case letter, then up to 39 lower-case letters, digits or hyphens.'
  }
  if (isReserved(name)) return nameProblem(name)
  if (!isTextList(secrets)) return `.secrets: must be a list of texts (source "${name}").`
  // An empty one is a variable that is not set: the source is closed.
  const short = secrets.findIndex((secret) => secret !== '' && secret.length < MIN_SECRET_CHARS)
  if (short !== -1) {
    const remedy = '"signalbox secret generate" creates one'
    return `.secrets[${short}]: must have at least ${MIN_SECRET_CHARS} characters; ${remedy} (source "${name}").`
  }
  if (!isTextList(keptHeaders) || keptHeaders.some((each) => each !== each.toLowerCase())) {
    return `.keptHeaders: must be a list of names of headers in lower case (source "${name}").`
  }
  const credential = keptHeaders.find((each) => CREDENTIALS.includes(each))
  if (credential !== undefined) {
    return `.keptHeaders: must not name ${credential}, because it is stored with every event (source "${name}").`
  }
  const step = STEPS.find((each) => typeof source[each] !== 'function')
  return step === undefined ? null : `.${step}: must be a function (source "${name}").`
}

function nameProblem(name: string): string {
  return `.name: "${name}" is taken, because events of that name already have a meaning; choose another name.`
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/**
 * The source with its types below its name, so that its events cannot be taken for another's, and
 * its repositories in the spelling that rules and policies compare.
 */
function underItsName(source: Source): Source {
  const { name, secrets, keptHeaders } = source
  return {
    name,
    secrets: liveSecrets(secrets),
    keptHeaders,
    open: (headers) => source.open(headers),
    verify: (envelope, rawBody, now) => source.verify(envelope, rawBody, now),
    normalise(envelope, rawBody) {
      const normalised = source.normalise(envelope, rawBody)
      requireTexts(name, normalised)
      return { ...withPlainRepositories(normalised), type: typeUnder(name, normalised.type) }
    },
  }
}

function withPlainRepositories(normalised: Normalised): Normalised {
  const { facts, pullRequest } = normalised
  return {
    ...normalised,
    ...(facts.repository && { facts: { ...facts, repository: plainRepositoryName(facts.repository) } }),
    ...(pullRequest && { pullRequest: { ...pullRequest, repository: plainRepositoryName(pullRequest.repository) } }),
  }
}

// TypeScript cannot see what a source written in JavaScript returns. Not an AppError, because the
// sender has done nothing wrong.
function requireTexts(name: string, { type, deliveryId }: Normalised): void {
  const isShort = (value: unknown, max: number) => typeof value === 'string' && value !== '' && value.length <= max
  if (!isShort(type, MAX_TYPE_CHARS)) {
    throw new TypeError(`The source "${name}" must return a type of 1 to ${MAX_TYPE_CHARS} characters.`)
  }
  if (!isShort(deliveryId, MAX_ID_CHARS)) {
    throw new TypeError(`The source "${name}" must return a deliveryId of 1 to ${MAX_ID_CHARS} characters.`)
  }
}
