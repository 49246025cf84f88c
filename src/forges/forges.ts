// The configured forges, and which of them a repository's name means.
import { GiveUp } from '../lib/error.ts'
import { DEFAULT_FORGE, parseRepositoryRef } from '../lib/repository.ts'
import type { WriteForge } from './forge.ts'

/** The forges of this installation. */
export type Forges = {
  /** The names of the configured ones; none means that nothing can be read or written. */
  readonly names: readonly string[]
  /**
   * The forge of `github:acme/shop`, and the path there; a name without a forge is on the default
   * one.
   * @throws AppError `input_invalid` when it is not the name of a repository.
   * @throws GiveUp when its forge is not configured.
   */
  of(repository: string): { forge: WriteForge; path: string }
}

/**
 * Puts forges together by name; null is one that is not configured. `remedy` says what to do where
 * none is, as the rest of a sentence.
 */
export function forgesFrom(
  configured: Readonly<Record<string, WriteForge | null>>,
  remedy = 'set one up; docs/configuration.md says how',
): Forges {
  const forges = new Map(Object.entries(configured).flatMap(([name, forge]) => (forge ? [[name, forge] as const] : [])))
  const names = [...forges.keys()]
  return {
    names,
    of(repository) {
      const ref = parseRepositoryRef(repository)
      const name = ref.forge ?? DEFAULT_FORGE
      const forge = forges.get(name)
      if (forge === undefined) {
        throw new GiveUp(
          names.length === 0
            ? `No forge is configured: ${remedy}.`
            : `The forge "${name}" of ${repository} is not configured; configured: ${names.join(', ')}.`,
        )
      }
      return { forge, path: ref.path }
    },
  }
}
