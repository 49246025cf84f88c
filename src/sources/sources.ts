// The configured senders by name, the name being the last part of the path they post to.

import { AppError } from '../lib/error.ts'
import { MIN_SECRET_CHARS } from '../lib/secret-length.ts'
import { agenta } from './agenta/agenta.ts'
import { github } from './github/github.ts'
import type { Source } from './source.ts'

// `manual` is a path of its own; events of our own have the source `signalbox`.
const RESERVED = ['manual', 'signalbox']

/** What is wrong with a source as a configuration file gives it; null if nothing is. */
function problemOf({ name, secrets, keptHeaders, checkHeaders, verify, normalise }: Source): string | null {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,39}$/.test(name) || RESERVED.includes(name)) {
    return `a source cannot be called "${name}"`
  }
  const isWhole =
    Array.isArray(secrets) &&
    Array.isArray(keptHeaders) &&
    [checkHeaders, verify, normalise].every((part) => typeof part === 'function')
  if (!isWhole) return `the source "${name}" is not one: make it with standardWebhooks, or see the type Source`
  if (secrets.some((secret) => typeof secret !== 'string' || secret.length < MIN_SECRET_CHARS)) {
    return `a secret of the source "${name}" has fewer than ${MIN_SECRET_CHARS} characters; "signalbox secret generate" makes one`
  }
  return null
}

/**
 * GitHub, Agenta and any others; without secrets a source is there, and closed.
 * @throws `config_invalid` for a name that is taken or cannot be part of a path, a short secret,
 * and what is no source.
 */
export function sourcesFrom(options: {
  githubSecrets: readonly string[]
  agentaSecrets: readonly string[]
  others?: readonly Source[]
}): ReadonlyMap<string, Source> {
  const sources = new Map<string, Source>()
  const { githubSecrets, agentaSecrets, others = [] } = options
  for (const source of [github({ secrets: githubSecrets }), agenta({ secrets: agentaSecrets }), ...others]) {
    const problem = problemOf(Object(source))
    if (problem !== null) throw new AppError('config_invalid', problem)
    if (sources.has(source.name)) throw new AppError('config_invalid', `two sources are called "${source.name}"`)
    sources.set(source.name, source)
  }
  return sources
}
