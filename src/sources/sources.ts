// The configured senders by name, the name being the last part of the path they post to.
import { AppError } from '../lib/error.ts'
import { agenta } from './agenta.ts'
import { github } from './github.ts'
import type { Source } from './source.ts'

// `manual` is a path of its own; events of our own have the source `signalbox`.
const RESERVED = ['manual', 'signalbox']

/** GitHub, Agenta and any others; without secrets a source is there, and closed. Throws `config_invalid` for a name that is taken or cannot be part of a path. */
export const sourcesFrom = (options: {
  githubSecrets: readonly string[]
  agentaSecrets: readonly string[]
  others?: readonly Source[]
}): ReadonlyMap<string, Source> => {
  const sources = new Map<string, Source>()
  const { githubSecrets, agentaSecrets, others = [] } = options
  for (const source of [github({ secrets: githubSecrets }), agenta({ secrets: agentaSecrets }), ...others]) {
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(source.name) || RESERVED.includes(source.name)) {
      throw new AppError('config_invalid', `a source cannot be called "${source.name}"`)
    }
    if (sources.has(source.name)) throw new AppError('config_invalid', `two sources are called "${source.name}"`)
    sources.set(source.name, source)
  }
  return sources
}
