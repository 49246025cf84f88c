// The forges there are, and those of them that the environment sets up. A new forge is one entry
// here.
import type { Environment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import type { WriteForge } from './forge.ts'
import type { Forges } from './forges.ts'
import { forgesFrom } from './forges.ts'
import type { OnLimit } from './github/connection.ts'
import { githubFromEnvironment } from './github/environment.ts'

/** A kind of forge as an installation sees it. */
export type ForgeKind = {
  /** The forge with the credentials of the environment; null when there are none. */
  fromEnvironment(environment: Environment, log: Log, onLimit?: OnLimit): WriteForge | null
  /** What to do to set it up, as the rest of a sentence: "set GITHUB_TOKEN". */
  remedy(environment: Environment): string
}

/** Every kind of forge by the name that a repository is called with: `github:acme/shop`. */
const FORGES: Readonly<Record<string, ForgeKind>> = { github: githubFromEnvironment }

/** What to do where no forge is set up, as the rest of a sentence. */
export function noForgeRemedy(environment: Environment): string {
  return Object.values(FORGES)
    .map(({ remedy }) => remedy(environment))
    .join('; or ')
}

/** The forges that the environment has credentials for. */
export function forgesOf(environment: Environment, log: Log, onLimit?: OnLimit): Forges {
  const kinds = Object.entries(FORGES)
  const forges = kinds.map(([name, kind]) => [name, kind.fromEnvironment(environment, log, onLimit)] as const)
  return forgesFrom(Object.fromEntries(forges), noForgeRemedy(environment))
}
